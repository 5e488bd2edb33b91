import type { JSX } from "preact";
import type { RowDetail, RowFold } from "protosource-cli/studio";
import { addressOf, goes } from "../address.js";
import { useAnswer } from "../load.js";
import { byteText, costText, counted, numberText, printable, timeText } from "../words.js";
import { ChangeList } from "./change-list.js";
import { CommandLine } from "./command-line.js";
import { JsonView } from "./json-view.js";
import { Notice } from "./notice.js";
import { TryAgain } from "./try-again.js";

/** One row, beside what the events of its aggregate come to. */
export function RowPanel({ pk, sk, type }: { pk: string; sk: string; type: string }): JSX.Element {
  const answer = useAnswer<RowDetail>("row", { pk, sk, type });
  const { value, error, again } = answer.value;
  if (error) return <TryAgain error={error} again={again} />;
  if (value === undefined) return <Notice kind="empty">Loading…</Notice>;
  const { version, bytes, expires, keys, json, problem, fold, masked, cost } = value;
  return (
    <>
      {fold && <Fold fold={fold} version={version} />}
      <dl class="facts-list">
        <div>
          <dt>Version</dt>
          <dd>{version === "0" ? "none" : numberText(version)}</dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>{byteText(bytes)}</dd>
        </div>
        <div>
          <dt>Expires</dt>
          <dd>{expires === undefined ? "never" : timeText(expires)}</dd>
        </div>
        {cost && (
          <div>
            <dt>Cost</dt>
            <dd>{costText(cost)}</dd>
          </div>
        )}
      </dl>
      <details class="raw" open>
        <summary>Keys</summary>
        <dl class="row-keys">
          {Object.entries({ pk, sk, ...keys }).map(([name, key]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{key}</dd>
            </div>
          ))}
        </dl>
      </details>
      {problem && <Notice kind="error">{printable(problem)}</Notice>}
      {masked && <p class="quiet">Personal fields are masked.</p>}
      {json !== undefined && <JsonView label="Row" value={json} />}
    </>
  );
}

function Fold({ fold, version: own }: { fold: RowFold; version: string }): JSX.Element {
  const { streamId, version, behind, changes, uncompared, mend, problem } = fold;
  const to = { view: "stream", id: streamId };
  const isBehind = BigInt(behind) > 0n;
  return (
    <div class={`card fold ${isBehind || changes.length > 0 || problem ? "stale" : "fresh"}`}>
      <p>
        <b>{problem ? "Not compared" : judgement(behind, changes.length)}</b>{" "}
        {problem ? (
          printable(problem)
        ) : (
          <>
            The events come to version {numberText(version)}
            {isBehind && `, the row has ${numberText(own)}`}.
          </>
        )}{" "}
        <a class="link" href={addressOf(to)} onClick={goes(to)}>
          Open the stream
        </a>
      </p>
      {uncompared.length > 0 && (
        <p class="quiet">
          Not compared, since only the domain's code knows them: {uncompared.join(", ")}. Start the studio with
          --domain.
        </p>
      )}
      {changes.length > 0 && (
        <details class="changes" open>
          <summary>{counted(changes.length, "field")} would change</summary>
          <ChangeList changes={changes} />
        </details>
      )}
      {mend && <CommandLine what="This writes the row anew; with --dry-run it shows what it would do:" line={mend} />}
    </div>
  );
}

function judgement(behind: string, changes: number): string {
  if (BigInt(behind) > 0n) return `Stale by ${counted(Number(behind), "version")}.`;
  if (BigInt(behind) < 0n) return "Ahead of its stream.";
  return changes > 0 ? "Not what its events say." : "Up to date.";
}
