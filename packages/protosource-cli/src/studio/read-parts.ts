/** Reading the history of a state, part by part. */
import { recordPages } from "../scanning.js";
import type { KnownAggregate } from "../schemas.js";
import { followState } from "../state-follower.js";
import { envelopeOf } from "./event-view.js";
import { readEvents } from "./read-events.js";
import { stateChanges } from "./state-changes.js";
import { type ChangingStep, NOTHING, type StatePart, statePart } from "./state-part.js";
import type { Studio } from "./studio.js";

/** A version of a stream. */
export interface Step {
  readonly version: bigint;
  readonly at: bigint | undefined;
}

/** A part of a history as it is read. */
export interface ReadPart {
  /** The number of steps before it. */
  readonly first: number;
  readonly steps: readonly Step[];
  readonly part: StatePart;
  /** In characters of JSON. */
  readonly size: number;
  /** Whether something was masked, in it or before. */
  readonly masked: boolean;
}

/** How many records are read at once. */
const PAGE_SIZE = 1_000;

/**
 * Reads a stream, and gives its history part by part. A part ends where its changes are as many characters of JSON as are
 * given, and as what it begins with: at the same version each time.
 */
export async function* readParts(
  { store, schemas, personal }: Studio,
  known: KnownAggregate,
  id: string,
  leastSize: number,
  signal: AbortSignal,
): AsyncGenerator<ReadPart, void, undefined> {
  const follower = followState(known);
  const followed = stateChanges(follower, known, schemas, personal);
  let first = 0;
  let base = NOTHING;
  let baseSize = 0;
  let steps: (Step & ChangingStep)[] = [];
  let size = 0;
  const partSoFar = (): ReadPart => {
    return {
      first,
      // What a step changed is the part's alone, and goes with it.
      steps: steps.map(({ version, at }) => ({ version, at })),
      part: statePart(base, steps),
      size: baseSize + size,
      masked: followed.masked(),
    };
  };
  for await (const { records } of recordPages(store, { aggregateId: id, limit: PAGE_SIZE, signal })) {
    for (const { scanned, payload } of await readEvents(schemas, records, personal.isShown, signal)) {
      follower.next(scanned.record, payload.event?.message);
      const changes = followed.next();
      steps.push({ version: scanned.record.version, at: envelopeOf(payload).at, changes });
      size += JSON.stringify(changes).length;
      if (size < Math.max(leastSize, baseSize)) continue;
      const read = partSoFar();
      base = read.part.baseAfter(steps.length);
      baseSize = JSON.stringify(base).length;
      first += steps.length;
      steps = [];
      size = 0;
      yield read;
    }
  }
  if (steps.length > 0) yield partSoFar();
}
