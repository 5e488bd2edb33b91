import { systemClock } from "../../clock.js";
import { ProtosourceError } from "../../errors.js";
import type { StoredRecord } from "../../store/store.js";
import { FakeClock } from "../fake-clock.js";
import type {
  Capability,
  ConformanceCase,
  ConformanceContext,
  OpenOptions,
  StoreUnderTest,
} from "./conformance-case.js";

/** What the author of a store tells about it. */
export interface StoreHarness {
  /** What the store can do. */
  readonly capabilities: readonly Capability[];
  /** The cases that the store is known to fail, by name, each with the reason. */
  readonly knownFailures?: Readonly<Record<string, string>> | undefined;
  /** Opens a client of the store. All clients of a harness share their data. */
  open(options: OpenOptions): StoreUnderTest | Promise<StoreUnderTest>;
  /** Puts a record into a stream without the store. Needed for `raw-records`. */
  writeRaw?(aggregateId: string, record: StoredRecord): void | Promise<void>;
}

/** A case that is bound to a store. */
export interface RunnableCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

const DAY = 86_400_000_000n;

/**
 * Binds the cases to a store: those whose needs it meets. Any test runner takes the result in one loop:
 *
 * ```ts
 * for (const { name, run } of runnableCases(storeConformance, harness)) test(name, run);
 * ```
 *
 * A case that the harness lists as a known failure passes when it fails, and fails when it passes: then the entry has
 * to go. Throws `invalid_argument` for an entry that names no case, or one that isn't run on the store.
 */
export function runnableCases(cases: readonly ConformanceCase[], harness: StoreHarness): readonly RunnableCase[] {
  const capabilities = new Set(harness.capabilities);
  if (capabilities.has("raw-records") && harness.writeRaw === undefined) {
    throw new ProtosourceError("invalid_argument", "the capability raw-records needs the harness's method writeRaw", {
      argument: "writeRaw",
    });
  }
  const chosen = cases.filter(({ needs }) => needs.every((capability) => capabilities.has(capability)));
  const knownFailures = new Map(Object.entries(harness.knownFailures ?? {}));
  for (const name of knownFailures.keys()) {
    if (chosen.some((one) => one.name === name)) continue;
    throw new ProtosourceError(
      "invalid_argument",
      `the known failure "${name}" isn't a case that is run on this store: take it off the list`,
      { argument: "knownFailures" },
    );
  }
  const run = crypto.randomUUID();
  return chosen.map((one, index) => {
    const runOne = (): Promise<void> => runCase(one, harness, `${run}-${index}`);
    const reason = knownFailures.get(one.name);
    if (reason === undefined) return { name: one.name, run: runOne };
    return { name: `${one.name} (known failure: ${reason})`, run: () => expectFailure(runOne, one.name, reason) };
  });
}

async function runCase(one: ConformanceCase, harness: StoreHarness, uniqueId: string): Promise<void> {
  // A day ahead, so that a database that deletes by its own clock deletes nothing while the case runs.
  const clock = new FakeClock(systemClock.now() + DAY);
  const opened: StoreUnderTest[] = [];
  const context: ConformanceContext = {
    clock,
    id: (name) => `conformance_v1#${uniqueId}-${name}`,
    async open(options) {
      const subject = await harness.open({ ...options, clock });
      opened.push(subject);
      return subject;
    },
    async writeRaw(aggregateId, record) {
      await harness.writeRaw?.(aggregateId, record);
    },
  };
  try {
    await one.run(context);
  } finally {
    for (const { close } of opened) await close?.();
  }
}

async function expectFailure(run: () => Promise<void>, name: string, reason: string): Promise<void> {
  try {
    await run();
  } catch {
    return;
  }
  throw new Error(`"${name}" passes, and is listed as a known failure (${reason}): take it off the list`);
}
