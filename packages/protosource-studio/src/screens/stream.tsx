import type { JSX } from "preact";
import type { EventSummary } from "protosource-cli/studio";
import { adjust, back } from "../address.js";
import { answering } from "../ask.js";
import { focuses } from "../keep-focus.js";
import { useKeys } from "../keyboard.js";
import { EventFilter, isFiltered, useFiltered } from "../parts/event-filter.js";
import { EventPanel } from "../parts/event-panel.js";
import { EventRow } from "../parts/event-row.js";
import { ListHead } from "../parts/list-head.js";
import { Notice } from "../parts/notice.js";
import { Scrubber } from "../parts/scrubber.js";
import { StatePanel } from "../parts/state-panel.js";
import { Tabs } from "../parts/tabs.js";
import { TryAgain } from "../parts/try-again.js";
import { VirtualList } from "../parts/virtual-list.js";
import { WhatIf } from "../parts/what-if.js";
import type { ScreenProps } from "../screen.js";
import { indexOf, useEvents, versionAt } from "../stream-events.js";
import { counted, numberText, printable } from "../words.js";

/** What is shown beside the events. */
const TABS = { state: "State", event: "Event", "what-if": "What if" };

/** One stream: its events, and the state at each of them. */
export function StreamScreen({ about, place }: ScreenProps): JSX.Element {
  const { id = "", at, tab = "state" } = place;
  const aggregate = about.aggregates.find(({ prefix }) => id.startsWith(prefix));
  const isFree = about.store.kind !== "dynamodb";
  const { read, readOn } = useEvents(id, isFree);
  const { events, unreadable, stage, error } = read.value;
  const isReading = stage === "reading" || stage === "idle";
  const index = at === undefined ? events.length - 1 : indexOf(events, versionAt(events, at) ?? "");
  const current = events[index];
  const shown = useFiltered(events, place);
  const before = current === undefined ? -1 : indexOf(shown, current.version);
  const isShown = shown[before] === current;
  const select = (to: number, among: readonly EventSummary[] = events): void => {
    const event = among[Math.max(0, Math.min(among.length - 1, to))];
    if (event) adjust({ at: event.version });
  };
  const goTo = (text: string): boolean => {
    const version = versionAt(events, text);
    if (version !== undefined) adjust({ at: version });
    return version !== undefined;
  };
  const joined = (index: number): boolean => {
    const [upper, lower] = [shown[index - 1], shown[index]];
    return upper !== undefined && lower !== undefined && areOfOneSave(upper, lower);
  };
  useKeys({
    j: ["go to the next event that is shown", () => select(before + 1, shown)],
    k: ["go to the event before that is shown", () => select(isShown ? before - 1 : before, shown)],
    g: ["go to a version or a time", focuses("#moment")],
    f: ["show some of the events only", focuses("#filter-type")],
    ArrowRight: ["go one version on", () => select(index + 1)],
    ArrowLeft: ["go one version back", () => select(index - 1)],
    s: ["show the state", () => adjust({ tab: undefined })],
    e: ["show the event", () => adjust({ tab: "event" })],
    w: ["decide a command, and store nothing", () => adjust({ tab: "what-if" })],
    Escape: [
      "go back to where the stream was opened",
      () => back({ view: "streams", ...(aggregate && { of: aggregate.prefix }), at: id }),
    ],
  });
  if (error && events.length === 0) return <TryAgain error={error} again={readOn} />;
  if (events.length === 0 && stage === "done" && unreadable.length === 0) {
    return (
      <section class="stream" aria-label={`Stream ${id}`}>
        <Notice kind="empty">
          There is no stream {printable(id)}. Look for its beginning in the box above, which shows all streams that
          begin so.
        </Notice>
        {answering.value.applyCommand && <WhatIf id={id} version="0" />}
      </section>
    );
  }
  return (
    <section class="stream" aria-label={`Stream ${id}`}>
      <header class="stream-head">
        <h2>
          {aggregate && <span class="quiet">{aggregate.name}</span>}{" "}
          <bdi>{aggregate ? id.slice(aggregate.prefix.length) : id}</bdi>
        </h2>
        <span class="facts" role="status">
          {isFiltered(place) && `${numberText(shown.length)} of `}
          {counted(events.length, "record")}
          {stage === "stopped" ? " that were read" : ""}
          {isReading ? ", reading…" : ""}
        </span>
        {stage === "stopped" && !error && (
          <button type="button" onClick={readOn}>
            Read on
          </button>
        )}
        <Scrubber count={events.length} index={index} current={current} select={select} goTo={goTo} />
      </header>
      {error && <TryAgain error={error} again={readOn} />}
      {unreadable.length > 0 && <Notice kind="error">{printable(unreadable.join(" "))}</Notice>}
      <div class="halves">
        <div class="timeline">
          <EventFilter events={events} place={place} />
          <ListHead columns={["#Version", "Event", "When", "Actor", "Fields"]} />
          {shown.length === 0 && !isReading ? (
            <Notice kind="empty">
              None of the events that were read is like that. Show all, or look for something else.
            </Notice>
          ) : (
            <VirtualList
              label="Events"
              count={shown.length}
              rowHeight={30}
              selected={isShown ? before : -1}
              select={(to) => select(to, shown)}
              open={() => adjust({ tab: "event" })}
              row={(i) => (
                <EventRow event={shown[i] as EventSummary} joins={{ above: joined(i), below: joined(i + 1) }} />
              )}
            />
          )}
        </div>
        <div class="beside">
          <Tabs tabs={TABS} shown={tab} show={(name) => adjust({ tab: name === "state" ? undefined : name })}>
            {current === undefined ? null : tab === "what-if" ? (
              <WhatIf id={id} version={current.version} />
            ) : tab === "event" ? (
              <EventPanel id={id} version={current.version} />
            ) : (
              <StatePanel id={id} version={current.version} place={place} aggregate={aggregate} events={events} />
            )}
          </Tabs>
        </div>
      </div>
    </section>
  );
}

/** Tells whether a record and the one below it are neighbours in the stream that were saved at once. */
function areOfOneSave(upper: EventSummary, lower: EventSummary): boolean {
  if (BigInt(upper.version) + 1n !== BigInt(lower.version)) return false;
  return upper.following > 0 || (upper.save !== undefined && upper.save === lower.save);
}
