import type { JSX } from "preact";
import type { AggregateInfo, StreamPage, StreamSummary } from "protosource-cli/studio";
import { addressOf, adjust, go, goes } from "../address.js";
import { answering, ask } from "../ask.js";
import { useKeys } from "../keyboard.js";
import { ListHead } from "../parts/list-head.js";
import { Notice } from "../parts/notice.js";
import { TryAgain } from "../parts/try-again.js";
import { VirtualList } from "../parts/virtual-list.js";
import type { ScreenProps } from "../screen.js";
import { type PagesRead, usePages } from "../use-pages.js";
import { byteText, costText, counted, numberText, printable, timeText } from "../words.js";

/** What was read of the streams so far. */
interface Read {
  readonly streams: readonly StreamSummary[];
  readonly unreadable: readonly string[];
  readonly records: number;
  readonly requests: number;
  readonly readUnits: number;
  /** Where to go on; undefined at the end. */
  readonly cursor: string | undefined;
}

const NOTHING: Read = {
  streams: [],
  unreadable: [],
  records: 0,
  requests: 0,
  readUnits: 0,
  cursor: undefined,
};

/** How many streams are read by themselves where reading is free: as many as a list can be looked through. */
const MOST_BY_ITSELF = 20_000;

/** The streams of a store, as they are read. */
export function StreamsScreen({ about, place }: ScreenProps): JSX.Element {
  const { aggregates, store } = about;
  const { find = "", at } = place;
  const tab = aggregates.find(({ prefix }) => prefix === place["of"]);
  const prefix = prefixOf(find, tab, aggregates);
  const isFree = store.kind !== "dynamodb";
  const { read, readOn, stop } = useStreams(prefix, isFree);
  const { streams, unreadable, records, readUnits, requests, stage, error } = read.value;
  // In the address, so that whoever goes back from a stream is there again; nothing until that one is read.
  const selected = at === undefined ? 0 : streams.findIndex(({ id }) => id === at);
  const select = (to: number): void => {
    const stream = streams[Math.max(0, Math.min(streams.length - 1, to))];
    if (stream) adjust({ at: stream.id });
  };
  const open = (index: number): void => {
    const stream = streams[index];
    if (stream) go({ view: "stream", id: stream.id });
  };
  useKeys({
    j: ["select the next one", () => select(selected + 1)],
    k: ["select the one before", () => select(selected - 1)],
    Enter: ["open what is selected", () => open(selected)],
  });
  const isWhole = stage === "done";
  const isStopped = stage === "stopped";
  return (
    <section class="streams" aria-label="Streams">
      <nav class="tabs" aria-label="Aggregates">
        {[undefined, ...aggregates].map((one) => {
          const to = { view: "streams", ...(one && { of: one.prefix }) };
          return (
            <a
              key={one?.prefix}
              href={addressOf(to)}
              aria-current={one === tab ? "true" : undefined}
              onClick={goes(to)}
            >
              {one?.name ?? "All"}
            </a>
          );
        })}
        <span class="facts" role="status">
          {counted(streams.length, "stream")}
          {isWhole ? "" : ` of ${numberText(records)} records that were read`}
          {requests > 0 && ` · ${costText({ requests, readUnits })}`}
        </span>
        {!isWhole && !error && (
          <button type="button" onClick={isStopped ? readOn : stop}>
            {isStopped ? "Read on" : "Stop"}
          </button>
        )}
      </nav>
      {error && <TryAgain error={error} again={readOn} />}
      {find !== "" && (error || !isFree) && (
        <Notice kind="empty">
          <a
            class="link"
            href={addressOf({ view: "stream", id: prefix })}
            onClick={goes({ view: "stream", id: prefix })}
          >
            Open the stream {printable(prefix)}
          </a>
          , without a look at others.
        </Notice>
      )}
      {unreadable.length > 0 && <Notice kind="error">{printable(unreadable.join(" "))}</Notice>}
      {streams.length === 0 && isWhole ? (
        <Notice kind="empty">
          {prefix === ""
            ? "There are no streams yet. They appear here once something is saved: load the page again then."
            : `No stream begins with ${printable(prefix)}. Take a shorter beginning, or look at all of them. `}
          {prefix !== "" && answering.value.applyCommand && (
            <a href={addressOf({ view: "stream", id: prefix })} onClick={goes({ view: "stream", id: prefix })}>
              Begin this one
            </a>
          )}
        </Notice>
      ) : (
        <>
          <ListHead columns={["Stream", "#Records", "#Versions", "Last event", "When", "#Size"]} />
          <VirtualList
            label="Streams"
            count={streams.length}
            rowHeight={32}
            selected={selected}
            select={select}
            open={open}
            row={(index) => <StreamRow stream={streams[index] as StreamSummary} />}
          />
        </>
      )}
    </section>
  );
}

function StreamRow({ stream: { id, records, first, last, type, at, bytes } }: { stream: StreamSummary }): JSX.Element {
  const hash = id.indexOf("#") + 1;
  return (
    <>
      <span class="id">
        <span class="quiet">{id.slice(0, hash)}</span>
        <bdi>{id.slice(hash)}</bdi>
      </span>
      <span class="number">{numberText(records)}</span>
      <span class="number">
        {first}–{last}
      </span>
      <span>{type ?? "?"}</span>
      <span class="time">{timeText(at)}</span>
      <span class="number">{byteText(bytes)}</span>
    </>
  );
}

/** Gives what ids must begin with: `Order o-1` means the one of that aggregate. */
function prefixOf(find: string, tab: AggregateInfo | undefined, aggregates: readonly AggregateInfo[]): string {
  const [, name, id = ""] = /^(\S+)\s*(.*)$/s.exec(find) ?? [];
  const named = aggregates.find((one) => one.name === name);
  if (named !== undefined) return named.prefix + id;
  const [only, another] = aggregates;
  if (find !== "" && !find.includes("#") && only && !another) return only.prefix + find;
  return find.includes("#") ? find : (tab?.prefix ?? "") + find;
}

/** Reads the streams. */
function useStreams(prefix: string, isFree: boolean): PagesRead<Read> {
  return usePages<Read>({
    of: [prefix, isFree],
    nothing: NOTHING,
    next: async (read, signal) =>
      joined(read, await ask<StreamPage>("streams", { prefix: prefix || undefined, cursor: read.cursor }, signal)),
    goesOn: ({ streams }) => isFree && streams.length < MOST_BY_ITSELF,
  });
}

function joined(read: Read, { streams: more, unreadable, records, cursor, cost }: StreamPage): Read {
  const streams = [...read.streams];
  const [first, ...others] = more;
  const last = streams.at(-1);
  if (first !== undefined && last !== undefined && first.id === last.id) {
    // A stream that the page before ended in.
    const both = { records: last.records + first.records, bytes: last.bytes + first.bytes, first: last.first };
    streams[streams.length - 1] = { ...first, ...both };
    streams.push(...others);
  } else streams.push(...more);
  return {
    streams,
    unreadable: [...read.unreadable, ...unreadable],
    records: read.records + records,
    requests: read.requests + (cost?.requests ?? 0),
    readUnits: read.readUnits + (cost?.readUnits ?? 0),
    cursor,
  };
}
