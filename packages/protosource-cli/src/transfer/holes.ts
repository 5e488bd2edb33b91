/**
 * Records that a scan of a table may have missed: while DynamoDB carries out a transaction, a scan may see any part of
 * it. What is missing between the records that it saw is read again, soon after.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isProtosourceError, type ScannedRecord, type StreamingStore } from "protosource-es";
import { throwIfInterrupted } from "../failure.js";
import { forEach } from "../for-each.js";
import { isAlive } from "../stream-problems.js";

/** The last record that was seen, as JSON. */
export interface LastSeen {
  readonly streamId: string;
  readonly version: string;
  /** How many records were stored with it behind it, and still count. */
  readonly following: number;
}

/** Versions of a stream that weren't seen. */
export interface Hole {
  readonly streamId: string;
  readonly from: bigint;
  readonly to: bigint;
  /** Up to here a record before says that they were stored with it: before `from` where none says so. */
  readonly toldTo: bigint;
  /** Whether the record behind expires, as those may have that are missing. */
  readonly mayHaveExpired: boolean;
}

/** Finds the holes in a page, or in part behind it when it `isLast`, and gives the record that it ends with. */
export function holesIn(
  records: readonly ScannedRecord[],
  before: LastSeen | undefined,
  isLast: boolean,
): { readonly holes: readonly Hole[]; readonly last: LastSeen | undefined } {
  const holes: Hole[] = [];
  let last = before;
  const endStream = (): void => {
    if (last === undefined || last.following === 0) return;
    const to = toldTo(last);
    holes.push({ streamId: last.streamId, from: BigInt(last.version) + 1n, to, toldTo: to, mayHaveExpired: false });
  };
  for (const scanned of records) {
    const { aggregateId: streamId, record, following } = scanned;
    if (last?.streamId !== streamId) {
      endStream();
      last = undefined;
    }
    const from = BigInt(last?.version ?? 0) + 1n;
    if (record.version > from) {
      const to = record.version - 1n;
      const told = last ? toldTo(last) : 0n;
      holes.push({ streamId, from, to, toldTo: told < to ? told : to, mayHaveExpired: record.ttl > 0n });
    }
    last = { streamId, version: record.version.toString(), following: isAlive(scanned) ? following : 0 };
  }
  if (isLast) endStream();
  return { holes, last };
}

function toldTo({ version, following }: LastSeen): bigint {
  return BigInt(version) + BigInt(following);
}

/** How often a hole is read, and how much longer to wait before each time, in milliseconds. */
const ROUNDS = 5;
const PAUSE_MS = 40;

/** How often a hole is read that stays empty, and of which no record tells: what was there was deleted, most likely. */
const UNTOLD_ROUNDS = 2;

const AT_ONCE = 16;

/**
 * Reads what lies in holes by now, until they are filled or it is clear that they stay. Gives also those that records
 * are missing from which were stored with others: such a stream is damaged. Throws `cancelled`.
 */
export async function fillHoles(
  store: StreamingStore,
  holes: readonly Hole[],
  signal: AbortSignal,
): Promise<{ readonly records: readonly ScannedRecord[]; readonly torn: readonly Hole[] }> {
  const records: ScannedRecord[] = [];
  const torn: Hole[] = [];
  let open = holes;
  for (let round = 1; open.length > 0; round++) {
    await sleep(PAUSE_MS * round, undefined, { signal }).catch(() => throwIfInterrupted(signal));
    const left: Hole[] = [];
    await forEach(open, AT_ONCE, async (hole) => {
      const found = await recordsIn(store, hole, signal);
      const isTorn = countTo(found, hole.toldTo) <= hole.toldTo - hole.from;
      const isFilled = countTo(found, hole.to) > hole.to - hole.from;
      const rounds = isTorn || found.length > 0 ? ROUNDS : hole.mayHaveExpired ? 1 : UNTOLD_ROUNDS;
      if (!isFilled && round < rounds) {
        left.push(hole);
        return;
      }
      records.push(...found);
      if (isTorn) torn.push(hole);
    });
    open = left;
  }
  return { records, torn };
}

function countTo(found: readonly ScannedRecord[], version: bigint): bigint {
  return BigInt(found.filter(({ record }) => record.version <= version).length);
}

/** Reads the records in a hole, or those before another one in it. */
async function recordsIn(
  store: StreamingStore,
  { streamId: aggregateId, from, to }: Hole,
  signal: AbortSignal,
): Promise<readonly ScannedRecord[]> {
  const found: ScannedRecord[] = [];
  try {
    for await (const record of store.events(aggregateId, { from, to, includeExpired: true, signal })) {
      found.push({ aggregateId, record, following: 0 });
    }
  } catch (error) {
    // What can't be read, the scan has told of.
    if (!isProtosourceError(error, "corrupt_stream") && !isProtosourceError(error, "corrupt_record")) throw error;
  }
  return found;
}
