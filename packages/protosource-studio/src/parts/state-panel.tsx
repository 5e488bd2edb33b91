import type { JSX } from "preact";
import type { AggregateInfo, CopiedTest, EventSummary, StateAt } from "protosource-cli/studio";
import { adjust, type Place } from "../address.js";
import { ask } from "../ask.js";
import { focuses } from "../keep-focus.js";
import { useKeys } from "../keyboard.js";
import { useAnswer } from "../load.js";
import { NO_TIME } from "../moment.js";
import { indexOf, versionAt } from "../stream-events.js";
import { counted } from "../words.js";
import { Changes } from "./changes.js";
import { Copy } from "./copy.js";
import { JsonView } from "./json-view.js";
import { Notice } from "./notice.js";
import { TextBox } from "./text-box.js";
import { TryAgain } from "./try-again.js";

export interface StatePanelProps {
  readonly id: string;
  readonly version: string;
  readonly place: Place;
  readonly aggregate: AggregateInfo | undefined;
  readonly events: readonly EventSummary[];
}

/** Shows the state at a version: what differs from another one, and which event set each value. */
export function StatePanel({ id, version, place, aggregate, events }: StatePanelProps): JSX.Element {
  const { against, rules } = place;
  const answer = useAnswer<StateAt>("state", { id, at: version, against, rules });
  const hasRules = aggregate?.hasRules === true;
  const switchRules = (): void => adjust({ rules: rules === undefined ? "without" : undefined });
  useKeys({
    d: ["compare with a version or a time", focuses("#against")],
    ...(hasRules && { r: ["show the state with and without what rules derive", switchRules] as const }),
  });
  const { value, error, again } = answer.value;
  return (
    <>
      <div class="tools">
        <span>
          <label for="against">Compare with</label>{" "}
          <TextBox
            id="against"
            label="Compare with a version or a time"
            size={8}
            value={against ?? value?.against ?? ""}
            problemOf={(text) => (versionAt(events, text) === undefined ? NO_TIME : undefined)}
            take={(text) => adjust({ against: text && versionAt(events, text) })}
          />
        </span>
        {hasRules && (
          <label>
            <input type="checkbox" checked={rules === undefined} onChange={switchRules} /> as the rules see it
          </label>
        )}
        <span aria-hidden="true">Copy</span>
        <Copy what="JSON" text={async () => JSON.stringify(value?.state, undefined, 2)} />
        <Copy what="test" text={async () => (await ask<CopiedTest>("test", { id, at: version })).text} />
        {value?.line !== undefined && <Copy what="command line" text={async () => value.line ?? ""} />}
      </div>
      {error ? (
        <TryAgain error={error} again={again} />
      ) : value === undefined ? (
        <Notice kind="empty">Loading…</Notice>
      ) : (
        <State value={value} version={version} events={events} />
      )}
    </>
  );
}

interface StateProps extends Pick<StatePanelProps, "version" | "events"> {
  readonly value: StateAt;
}

function State({ value, version, events }: StateProps): JSX.Element {
  const { state, changes, blame } = value;
  const marks = new Map(changes.map(({ path, before }) => [path, before === undefined ? "added" : "changed"]));
  const setterOf = (path: string): string | undefined => (blame[path] === "0" ? undefined : blame[path]);
  const typeAt = (version: string): string => events[indexOf(events, version)]?.type ?? "";
  return (
    <>
      <Changes title={`${counted(changes.length, "change")} since version ${value.against}`} changes={changes} />
      {state === undefined ? (
        <Notice kind="empty">
          The state isn't known here: the records that it was made of have expired, or can't be read. Go to a later
          snapshot.
        </Notice>
      ) : (
        <JsonView
          label="State"
          value={state}
          marks={marks}
          aside={(path) => {
            const setBy = setterOf(path);
            return setBy === undefined ? undefined : (
              <span class="blame opens" title={`Set by version ${setBy}: go there`}>
                {typeAt(setBy)} <b>{setBy}</b>
              </span>
            );
          }}
          open={(path) => adjust({ at: setterOf(path) ?? version })}
        />
      )}
    </>
  );
}
