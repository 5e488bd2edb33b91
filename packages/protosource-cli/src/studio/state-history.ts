/** The histories of states: the state at any version of a stream, and which event set each of its values. */
import type { JsonValue } from "@bufbuild/protobuf";
import { ProtosourceError } from "protosource-es";
import type { Moment } from "../moment.js";
import type { KnownAggregate } from "../schemas.js";
import { type ReadPart, readParts, type Step } from "./read-parts.js";
import type { Blame } from "./state-part.js";
import type { Studio } from "./studio.js";

/** The history of a state. Of a large one a part is held, and what is looked at beside it is read anew. */
export interface StateHistory {
  readonly steps: readonly Step[];
  /** Whether there is more of it to see. */
  readonly masked: boolean;
  /** Until when it may be given again, by the clock of the machine; undefined for as long as it is kept. */
  readonly until: number | undefined;
  /** Gives how much it holds now, as characters of JSON. */
  heldSize(): number;
  /** Gives the number of steps up to a moment. */
  countUntil(moment: Moment): number;
  /** Gives the state after so many steps; undefined where the records don't tell it. Whoever changes it changes the history. */
  stateAfter(steps: number, signal: AbortSignal): Promise<JsonValue | undefined>;
  /** Gives the version that set each value which the state has after so many steps and isn't masked, by its path. */
  blameAfter(steps: number, signal: AbortSignal): Promise<Blame>;
}

/** How much of a history is held, as characters of JSON. */
export interface HistoryLimits {
  /** How much the steps of a part change at least, where it isn't the last. It is as much as its first state is, if that is more. */
  readonly part: number;
  /** The most that is held of all parts. The one that was looked at last is held in any case. */
  readonly held: number;
}

/**
 * All of 50,000 events that change a few fields each is 13 million characters, and takes five bytes of memory for each. Beside
 * that, a version and a time are held for each event.
 */
export const HISTORY_LIMITS: HistoryLimits = { part: 2_000_000, held: 16_000_000 };

/** How many histories are kept: that of the stream that is looked at, seen in each way. */
const KEPT = 4;

/** How long what was opened is given again, as long as a keyring keeps keys by default: whoever is forgotten meanwhile goes. */
const OPENED_MS = 60_000;

/** Forgets what is known of a stream, so that the next look reads it anew. */
export function forgetHistories({ histories }: Studio, id: string): void {
  for (const key of histories.keys()) if ((JSON.parse(key) as [string])[0] === id) histories.delete(key);
}

/**
 * Gives the history of a stream, which is read as a whole for it and kept. Throws `not_found` for one without records, and
 * what the domain's code fails with; a look beside what is held does too, also where the records that it needs have gone.
 */
export async function historyOf(
  studio: Studio,
  known: KnownAggregate,
  id: string,
  signal: AbortSignal,
  limits: HistoryLimits = HISTORY_LIMITS,
): Promise<StateHistory> {
  const { histories, personal } = studio;
  const now = Date.now();
  for (const [key, { until = now }] of histories) if (until < now) histories.delete(key);
  const key = JSON.stringify([id, known.hasRules, personal.isShown]);
  const found = histories.get(key);
  if (found) return found;
  const read = (signal: AbortSignal): AsyncIterable<ReadPart> => readParts(studio, known, id, limits.part, signal);
  const goneRecords = (): ProtosourceError => {
    forgetHistories(studio, id);
    return notFound(id, "records have gone from the stream");
  };
  const history = {
    ...(await historyOfParts(read, limits.held, signal, goneRecords)),
    until: personal.isShown ? now + OPENED_MS : undefined,
  };
  if (history.steps.length === 0) throw notFound(id, "there is no stream");
  histories.set(key, history);
  for (const old of [...histories.keys()].slice(0, -KEPT)) histories.delete(old);
  return history;
}

function notFound(aggregateId: string, problem: string): ProtosourceError {
  const message = `${problem} ${aggregateId}: look for it in the list of streams`;
  return new ProtosourceError("not_found", message, { aggregateId, reason: "unknown" });
}

/** Reads a history, and holds the last of its parts that aren't too much together. */
async function historyOfParts(
  read: (signal: AbortSignal) => AsyncIterable<ReadPart>,
  mostHeld: number,
  signal: AbortSignal,
  goneRecords: () => ProtosourceError,
): Promise<Omit<StateHistory, "until">> {
  const steps: Step[] = [];
  let masked = false;
  /** By the number of steps before them; what was looked at last is the last of them. */
  const held = new Map<number, ReadPart>();
  const heldSize = (): number => [...held.values()].reduce((sum, { size }) => sum + size, 0);
  const hold = (part: ReadPart): ReadPart => {
    held.delete(part.first);
    held.set(part.first, part);
    for (const oldest of held.keys()) if (held.size > 1 && heldSize() > mostHeld) held.delete(oldest);
    return part;
  };
  for await (const part of read(signal)) {
    hold(part);
    for (const step of part.steps) steps.push(step);
    masked = part.masked;
  }

  /** Gives a part that has the state after so many steps. */
  const partWith = async (count: number, signal: AbortSignal): Promise<ReadPart> => {
    const reaches = ({ first, steps }: ReadPart): boolean => count <= first + steps.length;
    for (const part of held.values()) if (count >= part.first && reaches(part)) return hold(part);
    let before: ReadPart | undefined;
    for await (const part of read(signal)) {
      if (part.steps.some(({ version }, i) => version !== (steps[part.first + i]?.version ?? version))) break;
      if (reaches(part)) {
        // One is often left for the one before. Those before that would take the place of what it is compared with.
        if (before) hold(before);
        return hold(part);
      }
      before = part;
    }
    throw goneRecords();
  };
  return {
    steps,
    masked,
    heldSize,
    countUntil(moment) {
      let end = 0;
      for (const [i, { version, at }] of steps.entries()) {
        const isPast = moment.isPast({ version }, at);
        if (isPast && moment.isFinal) break;
        if (!isPast && (at !== undefined || end === i)) end = i + 1;
      }
      return end;
    },
    async stateAfter(count, signal) {
      const { first, part } = await partWith(count, signal);
      return part.stateAfter(count - first);
    },
    async blameAfter(count, signal) {
      const { first, part } = await partWith(count, signal);
      return part.blameAfter(count - first);
    },
  };
}
