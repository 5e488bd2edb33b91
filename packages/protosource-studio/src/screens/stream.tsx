import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { CopiedTest, EventDetail, EventPage, EventSummary, StateAt } from "protosource-cli/studio";
import { adjust, go } from "../address.js";
import { ask, type NoAnswer } from "../ask.js";
import { useKeys } from "../keyboard.js";
import { useAnswer } from "../load.js";
import { Changes } from "../parts/changes.js";
import { Copy } from "../parts/copy.js";
import { JsonView } from "../parts/json-view.js";
import { Notice } from "../parts/notice.js";
import { VirtualList } from "../parts/virtual-list.js";
import { WhatIf } from "../parts/what-if.js";
import type { ScreenProps } from "../screen.js";
import { byteText, counted, numberText, timeText } from "../words.js";

/** What is shown beside the events. */
const TABS = { state: "State", event: "Event", "what-if": "What if" };

/** One stream: its events, and the state at each of them. */
export function StreamScreen({ about, place }: ScreenProps): JSX.Element {
  const { id = "", at, tab = "state" } = place;
  const aggregate = about.aggregates.find(({ prefix }) => id.startsWith(prefix));
  const isFree = about.store.kind !== "dynamodb";
  const { read, readOn } = useEvents(id, isFree);
  const { events, unreadable, cursor, isReading, error } = read.value;
  const index = at === undefined ? events.length - 1 : indexOf(events, at);
  const current = events[index];
  const select = (to: number): void => {
    const event = events[Math.max(0, Math.min(events.length - 1, to))];
    if (event) adjust({ at: event.version });
  };
  useKeys({
    j: ["go to the next event", () => select(index + 1)],
    k: ["go to the event before", () => select(index - 1)],
    ArrowRight: ["go one version on", () => select(index + 1)],
    ArrowLeft: ["go one version back", () => select(index - 1)],
    s: ["show the state", () => adjust({ tab: undefined })],
    e: ["show the event", () => adjust({ tab: "event" })],
    w: ["decide a command, and store nothing", () => adjust({ tab: "what-if" })],
    Escape: ["go back to the streams", () => go({ view: "streams" })],
  });
  if (error && events.length === 0) return <Notice kind="error">{error.message}</Notice>;
  if (events.length === 0 && !isReading && unreadable.length === 0) {
    return (
      <Notice kind="empty">
        There is no stream {id}. Look for its beginning in the box above, which shows all streams that begin so.
      </Notice>
    );
  }
  return (
    <section class="stream" aria-label={`Stream ${id}`}>
      <header class="stream-head">
        <h1>
          {aggregate && <span class="quiet">{aggregate.name}</span>}{" "}
          {aggregate ? id.slice(aggregate.prefix.length) : id}
        </h1>
        <span class="facts" role="status">
          {counted(events.length, "record")}
          {isReading ? ", reading…" : ""}
        </span>
        {cursor !== undefined && !isReading && (
          <button type="button" onClick={readOn}>
            Read on
          </button>
        )}
        <Scrubber count={events.length} index={index} current={current} select={select} />
      </header>
      {error && <Notice kind="error">{error.message}</Notice>}
      {unreadable.length > 0 && <Notice kind="error">{unreadable.join(" ")}</Notice>}
      <div class="halves">
        <div class="timeline">
          <div class="row head" aria-hidden="true">
            <span class="number">Version</span>
            <span>Event</span>
            <span>When</span>
            <span>Actor</span>
            <span>Fields</span>
          </div>
          <VirtualList
            label="Events"
            count={events.length}
            rowHeight={30}
            selected={index}
            select={select}
            open={() => adjust({ tab: "event" })}
            row={(i) => <EventRow event={events[i] as EventSummary} />}
          />
        </div>
        <div class="beside">
          <div class="tabs" role="tablist" aria-label="What to show">
            {(Object.keys(TABS) as (keyof typeof TABS)[]).map((name) => (
              <button
                key={name}
                type="button"
                role="tab"
                id={`tab-${name}`}
                aria-selected={tab === name}
                aria-controls="panel"
                onClick={() => adjust({ tab: name === "state" ? undefined : name })}
              >
                {TABS[name]}
              </button>
            ))}
          </div>
          <div id="panel" class="panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
            {current === undefined ? null : tab === "what-if" ? (
              <WhatIf id={id} version={current.version} />
            ) : tab === "event" ? (
              <EventPanel id={id} version={current.version} />
            ) : (
              <StatePanel id={id} version={current.version} against={place["against"]} events={events} />
            )}
          </div>
        </div>
      </div>
    </section>
  );
}

interface ScrubberProps {
  readonly count: number;
  readonly index: number;
  readonly current: EventSummary | undefined;
  readonly select: (index: number) => void;
}

function Scrubber({ count, index, current, select }: ScrubberProps): JSX.Element {
  return (
    <div class="scrubber">
      <button type="button" aria-label="One version back" disabled={index <= 0} onClick={() => select(index - 1)}>
        ←
      </button>
      <input
        type="range"
        aria-label="Version"
        aria-valuetext={`version ${current?.version ?? 0}`}
        min={0}
        max={Math.max(0, count - 1)}
        value={index}
        onInput={(event) => select(Number(event.currentTarget.value))}
      />
      <button type="button" aria-label="One version on" disabled={index >= count - 1} onClick={() => select(index + 1)}>
        →
      </button>
      <output>
        version <b>{numberText(current?.version ?? "0")}</b> <span class="quiet">{timeText(current?.at)}</span>
      </output>
    </div>
  );
}

function EventRow({ event }: { event: EventSummary }): JSX.Element {
  const { version, kind, type, at, actor, text, expired, sealed } = event;
  return (
    <span class={`event ${kind} ${expired ? "expired" : ""}`}>
      <span class="number">{version}</span>
      <span class="type">
        {type ?? "?"}
        {kind !== "event" && <span class={`badge ${kind}`}>{kind}</span>}
        {expired && <span class="badge expired">expired</span>}
        {sealed && <span class="badge sealed">sealed</span>}
      </span>
      <span class="time">{timeText(at)}</span>
      <span class="actor">{actor}</span>
      <span class="text">{text}</span>
    </span>
  );
}

interface StatePanelProps {
  readonly id: string;
  readonly version: string;
  readonly against: string | undefined;
  readonly events: readonly EventSummary[];
}

function StatePanel({ id, version, against, events }: StatePanelProps): JSX.Element {
  const answer = useAnswer<StateAt>("state", { id, at: version, against });
  const { value, error } = answer.value;
  if (error) return <Notice kind="error">{error.message}</Notice>;
  if (value === undefined) return <Notice kind="empty">Loading…</Notice>;
  const { state, changes, blame } = value;
  const marks = new Map(changes.map(({ path, before }) => [path, before === undefined ? "added" : "changed"]));
  const setterOf = (path: string): string | undefined => (blame[path] === "0" ? undefined : blame[path]);
  const typeAt = (version: string): string => events[indexOf(events, version)]?.type ?? "";
  return (
    <>
      <div class="tools">
        <label>
          Compare with version{" "}
          <input
            value={value.against}
            size={6}
            inputMode="numeric"
            onChange={(event) => adjust({ against: event.currentTarget.value.trim() || undefined })}
          />
        </label>
        <Copy what="JSON" text={async () => JSON.stringify(state, undefined, 2)} />
        <Copy what="test" text={async () => (await ask<CopiedTest>("test", { id, at: value.version })).text} />
        <Copy what="command line" text={async () => value.line} />
      </div>
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

function EventPanel({ id, version }: { id: string; version: string }): JSX.Element {
  const answer = useAnswer<EventDetail>("event", { id, version });
  const { value, error } = answer.value;
  if (error) return <Notice kind="error">{error.message}</Notice>;
  if (value === undefined) return <Notice kind="empty">Loading…</Notice>;
  const { typeName, at, actor, bytes, expires, problem, json, raw, unknown, retired, meta, masked } = value;
  return (
    <>
      <dl class="facts-list">
        <Fact name="Type" value={typeName ?? "not known"} />
        <Fact name="Time" value={timeText(at)} />
        <Fact name="Actor" value={actor} />
        <Fact name="Size" value={byteText(bytes)} />
        <Fact name="Expires" value={expires && timeText(expires)} />
        <Fact name="Retired" value={retired?.reason} />
        {Object.entries(meta ?? {}).map(([name, text]) => (
          <Fact key={name} name={name} value={text} />
        ))}
        {unknown.map(({ number, wireType, bytes }) => (
          <Fact key={number} name={`Field ${number}`} value={`not in the schema: ${wireType}, ${byteText(bytes)}`} />
        ))}
      </dl>
      {problem && <Notice kind="error">{problem}</Notice>}
      {json !== undefined && <JsonView label="Event" value={json} />}
      {masked && <p class="quiet">Personal fields are masked, and so are stored bytes that may hold some.</p>}
      {raw !== undefined && (
        <details class="raw">
          <summary>Stored bytes</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
          <pre tabIndex={0}>{hexDump(raw)}</pre>
        </details>
      )}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string | undefined }): JSX.Element | null {
  if (value === undefined || value === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** How much of the data is shown as it is. */
const DUMPED_BYTES = 4096;

/** Writes bytes in rows of 16, as numbers and as text. */
function hexDump(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).subarray(0, DUMPED_BYTES);
  const lines: string[] = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const row = [...bytes.subarray(i, i + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${i.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}

/** Finds the event of a version, or the last one before it. */
function indexOf(events: readonly EventSummary[], version: string): number {
  const wanted = /^\d+$/.test(version) ? BigInt(version) : 0n;
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (BigInt((events[middle] as EventSummary).version) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What was read of a stream so far. */
interface Read {
  readonly events: readonly EventSummary[];
  readonly unreadable: readonly string[];
  readonly cursor: string | undefined;
  readonly isReading: boolean;
  readonly error: NoAnswer | undefined;
}

const NOTHING: Read = { events: [], unreadable: [], cursor: undefined, isReading: true, error: undefined };

/** Reads a stream page by page: where reading is charged for, a page at a time. */
function useEvents(id: string, isFree: boolean): { readonly read: Signal<Read>; readonly readOn: () => void } {
  const read = useSignal(NOTHING);
  const abort = useSignal<AbortController | undefined>(undefined);
  const start = async (): Promise<void> => {
    const own = new AbortController();
    abort.peek()?.abort();
    abort.value = own;
    do {
      const { cursor } = read.peek();
      read.value = { ...read.peek(), isReading: true, error: undefined };
      try {
        const limit = cursor === undefined ? undefined : "5000";
        const page = await ask<EventPage>("events", { id, cursor, limit }, own.signal);
        if (own.signal.aborted) return;
        const { events, unreadable } = read.peek();
        read.value = {
          events: events.concat(page.events),
          unreadable: [...unreadable, ...page.unreadable],
          cursor: page.cursor,
          isReading: false,
          error: undefined,
        };
      } catch (error) {
        if (own.signal.aborted) return;
        read.value = { ...read.peek(), isReading: false, error: error as NoAnswer };
        return;
      }
    } while (isFree && read.peek().cursor !== undefined);
  };
  useEffect(() => {
    read.value = NOTHING;
    void start();
    return () => abort.peek()?.abort();
  }, [id, isFree]);
  return { read, readOn: () => void start() };
}
