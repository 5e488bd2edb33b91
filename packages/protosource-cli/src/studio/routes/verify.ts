import type { ScannedRecord } from "protosource-es";
import { commandLineOn } from "../../command-line.js";
import { usageError } from "../../failure.js";
import { isMended } from "../../repair-plan.js";
import { recordPages, streamsOf } from "../../scanning.js";
import { findProblems, isWarning, type Problem, unreadable } from "../../stream-problems.js";
import type { StreamFinding, StreamSize, VerifiedPage } from "../health-contract.js";
import { loadOnly } from "../load-only.js";
import { pageSize } from "../query.js";
import { notableOf, sizeOf } from "../stream-size.js";
import type { Route, Studio } from "../studio.js";

/** How many streams that stand out are told of each part, by each measure. */
const NOTABLE = 10;

/**
 * `verify`: looks through the streams of a page of a scan, or through the stream `id` alone. A page may end in the midst of
 * a stream: that is read whole, and passed by where the next page goes on with it.
 */
export const verify: Route = async (studio, query, signal): Promise<VerifiedPage> => {
  const id = query.get("id");
  if (id) return judge(studio, await readStream(studio, id, signal));
  const { cursor, passed } = placeOf(query.get("cursor"));
  const page = await studio.store.scan({ cursor, limit: pageSize(query, 2_000, 10_000), signal });
  const streams = await streamsIn(page.records.filter(({ aggregateId }) => aggregateId !== passed));
  const last = streams.at(-1)?.[0]?.aggregateId;
  if (page.cursor !== undefined && last !== undefined) {
    streams.splice(-1, 1, ...(await readStream(studio, last, signal)).streams);
  }
  const judged = await judge(studio, {
    streams,
    unreadable: page.unreadable.map((error) => unreadable(error, undefined)),
  });
  return {
    ...judged,
    records: page.records.length,
    ...(page.cursor === undefined ? {} : { cursor: JSON.stringify([page.cursor, last ?? passed]) }),
  };
};

/** Where a look goes on: the cursor of the scan, and the stream that the page before has told of as a whole. */
function placeOf(text: string | null): { readonly cursor?: string; readonly passed?: string | undefined } {
  if (text === null) return {};
  const place = parsed(text);
  if (Array.isArray(place)) {
    const [cursor, passed] = place as readonly unknown[];
    if (typeof cursor === "string" && (typeof passed === "string" || passed == null)) {
      return { cursor, passed: passed ?? undefined };
    }
  }
  throw usageError("cursor", "the cursor isn't one of a page before: begin anew");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Streams, each with all its records, and what of them can't be read. */
interface Part {
  readonly streams: readonly (readonly ScannedRecord[])[];
  readonly unreadable: readonly Problem[];
}

async function readStream({ store }: Studio, id: string, signal: AbortSignal): Promise<Part> {
  const records: ScannedRecord[] = [];
  const problems: Problem[] = [];
  for await (const page of recordPages(store, { aggregateId: id, signal })) {
    records.push(...page.records);
    problems.push(...page.unreadable.map((error) => unreadable(error, id)));
  }
  return { streams: records.length === 0 ? [] : [records], unreadable: problems };
}

async function streamsIn(records: readonly ScannedRecord[]): Promise<(readonly ScannedRecord[])[]> {
  const found: (readonly ScannedRecord[])[] = [];
  for await (const stream of streamsOf([{ records, unreadable: [] }])) found.push(stream);
  return found;
}

async function judge(studio: Studio, { streams, unreadable }: Part): Promise<VerifiedPage> {
  const { store, schemas } = studio;
  const problems = [...unreadable];
  const sizes: StreamSize[] = [];
  const loads = loadOnly(store);
  for (const found of streams) {
    problems.push(...(await findProblems(loads, schemas, found)));
    sizes.push(sizeOf(found[0]?.aggregateId ?? "", found, schemas));
  }
  return {
    records: sizes.reduce((sum, { records }) => sum + records, 0),
    streams: streams.length,
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    problems: problems.map((problem) => findingOf(studio, problem)),
    notable: notableOf(sizes, NOTABLE),
  };
}

function findingOf({ words, personal }: Studio, problem: Problem): StreamFinding {
  const { kind, streamId, version, message } = problem;
  const verb = streamId === undefined ? "verify" : isMended(problem) ? "repair" : "show";
  return {
    kind,
    severity: isWarning(problem) ? "warning" : "error",
    message: kind === "undecodable" ? personal.quote(message) : message,
    ...(words && { line: commandLineOn(["streams", verb], streamId === undefined ? [] : [streamId], words) }),
    ...(streamId === undefined ? {} : { id: streamId }),
    ...(version === undefined ? {} : { version: version.toString() }),
  };
}
