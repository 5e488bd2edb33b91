/**
 * Aggregates that expire within seconds and are created anew under the same ids, by processes whose clocks differ,
 * while somebody deletes what has expired: each reader sees one life of an id at a time, and all of it.
 */
import { type Clock, isProtosourceError, type Repository } from "protosource-es";
import {
  defineTest,
  type TestAggregate,
  type TestTypes,
  testCommands,
} from "../gen/example/app/test/v1/test_v1_protosource.js";
import { type Entry, now } from "./journal.js";

/** How long an aggregate of the schema lives, in seconds of its clock. */
const TTL_SECONDS = 86_400;

/** How long it lives in the soak, in milliseconds. */
export const LIFE_MS = 6_000;

/** By how much the clocks of the processes may differ together with the time between a reading and a write. */
export const MARGIN_MS = 1_000;

const SPEED: number = (TTL_SECONDS * 1_000) / LIFE_MS;
const BEGIN_MICROSECONDS = 1_700_000_000_000_000;

/** Makes a clock that runs so fast that aggregates expire within {@link LIFE_MS}, from `begin` of {@link now} on. */
export function fastClock(begin: number, skewMs = 0): Clock {
  return { now: () => BigInt(Math.round(BEGIN_MICROSECONDS + (now() - begin + skewMs) * 1_000 * SPEED)) };
}

/** When something happened by a fast clock, in the milliseconds of {@link now}. */
function realTime(at: bigint, begin: number): number {
  return begin + (Number(at) - BEGIN_MICROSECONDS) / 1_000 / SPEED;
}

/** The ids that are used again and again, and the prefix of their streams. */
export const LIFE_IDS: readonly string[] = Array.from({ length: 40 }, (_, i) => `life-${i}`);
export const LIFE_PREFIX = "example_app_test_v1#";

/** An aggregate whose every event names its life in `color`, and counts in `number` what came before it. */
export const mortal: TestAggregate = defineTest({
  evaluate: {
    Update: ({ color, number }) => ({ proceed: { Updated: { color, number: String(Number(number) + 1) } } }),
  },
});

/** How far a life has come that somebody was told of, and until when nobody may see less of it. */
interface Known {
  readonly life: string;
  readonly number: number;
  readonly until: number;
}

/** Makes the operations of one process on these ids. */
export function lifeOperations(
  repository: Repository<TestTypes>,
  begin: number,
  journal: (entry: Entry) => void,
): { readonly act: (id: string, write: string, creates: boolean) => Promise<string> } {
  const known = new Map<string, Known>();
  const wrong = (what: string): void => journal({ kind: "wrong", what });

  function learn(id: string, life: string, number: number, createdAt: bigint): void {
    const before = known.get(id);
    if (before?.life === life && before.number >= number) return;
    known.set(id, { life, number, until: realTime(createdAt, begin) + LIFE_MS - MARGIN_MS });
  }

  /** Reads a life in both ways, and checks that it is one, and no less than was known. Gives when it was created. */
  async function read(id: string): Promise<bigint | undefined> {
    const expected = known.get(id);
    const history = await repository.history(id);
    const told = history.flatMap((event) => ("color" in event ? [event] : []));
    const [first, last] = [told[0], told.at(-1)];
    // A snapshot carries a life on behind the end of its beginning.
    const begin = Number(first?.number ?? 0);
    told.forEach(({ color, number }, i) => {
      if (color === first?.color && number === String(begin + i)) return;
      wrong(`${id} is a mixture: event ${number} of ${color} comes at ${begin + i} in the life ${first?.color}`);
    });
    const isStill = expected !== undefined && now() < expected.until;
    const isLess = first?.color !== expected?.life || begin > 0 || Number(last?.number) < Number(expected?.number);
    if (isStill && isLess) {
      const found = `${first?.number} to ${last?.number} of ${first?.color}`;
      wrong(`${id} had events up to ${expected.number} of ${expected.life}, and now ${found}`);
    }
    return history[0]?.$typeName.endsWith(".Created") ? first?.at : undefined;
  }

  async function load(id: string): Promise<void> {
    const expected = known.get(id);
    const state = await repository.load(id).catch((error: unknown) => {
      if (!isProtosourceError(error, "not_found")) throw error;
      return undefined;
    });
    if (expected === undefined || now() >= expected.until) return;
    if (state?.color === expected.life && Number(state.number) >= expected.number) return;
    wrong(`${id} was at ${expected.number} of ${expected.life}, and is now at ${state?.number} of ${state?.color}`);
  }

  return {
    async act(id, write, creates) {
      const createdAt = await read(id);
      await load(id);
      const begun = now();
      const command = creates
        ? testCommands.Create({ color: write, number: "0", body: "-" })
        : testCommands.Update({ body: write });
      try {
        const { aggregate, events } = await repository.apply(command, { id, actor: "soak" });
        const { color, number } = aggregate;
        if (creates) journal({ kind: "life", id, life: write, begun, ended: now() });
        const at = creates ? events[0]?.at : createdAt;
        if (at !== undefined && (creates || known.get(id)?.life === color)) learn(id, color, Number(number), at);
        return "stored";
      } catch (error) {
        const codes = ["already_created", "not_created", "version_conflict", "unavailable"] as const;
        const code = codes.find((one) => isProtosourceError(error, one));
        if (code === undefined) throw error;
        return code;
      }
    },
  };
}
