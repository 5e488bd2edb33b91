/** Slices of one store after another, in changing order, so that what the machine does meanwhile hits all alike. */
import type { Contender } from "./contender.js";
import type { Meter, Traffic } from "./metered-client.js";
import type { SeededStreams, Workload } from "./workloads.js";

/** A store that takes part. */
export interface Entry {
  readonly name: string;
  readonly contender: Contender;
  readonly seeded: SeededStreams;
  readonly meter: Meter;
}

/** What one call cost in a slice, on average. */
export interface Slice {
  readonly wallMs: number;
  /** Of this process with all its threads, and not of the engine. */
  readonly cpuMs: number;
  readonly traffic: Traffic;
  /** What was wrong with an answer, if one was. */
  readonly wrong: string | undefined;
}

/** Runs a workload for all entries in turns. Gives each entry's slices, one for each round. */
export async function interleave(
  workload: Workload,
  entries: readonly Entry[],
  rounds: number,
): Promise<ReadonlyMap<string, readonly Slice[]>> {
  const slices = new Map<string, Slice[]>(entries.map(({ name }) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const entry of inOrderOf(round + WARM_UP_ROUNDS, entries)) {
      const slice = await measure(workload, entry, workload.calls);
      if (round >= 0) slices.get(entry.name)?.push(slice);
    }
  }
  return slices;
}

/** Rounds until a process runs as one that has run for a while. */
const WARM_UP_ROUNDS = 8;

/** A B C, C B A, B C A, A C B, C A B, B A C: each comes first as often as the others. */
function inOrderOf(round: number, entries: readonly Entry[]): readonly Entry[] {
  const first = Math.floor(round / 2) % entries.length;
  const turned = [...entries.slice(first), ...entries.slice(0, first)];
  return round % 2 === 0 ? turned : turned.toReversed();
}

/** Makes the calls of one slice, one after another. Nothing is collected before it by force. */
export async function measure(
  workload: Workload,
  { contender, seeded, meter }: Entry,
  callCount: number,
): Promise<Slice> {
  const calls = await workload.prepare(contender, seeded, callCount);
  let wrong: string | undefined;
  const before = meter.traffic();
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (const call of calls) {
    const answer = await call();
    if (answer?.count !== workload.expected?.count || answer?.last !== workload.expected?.last) {
      wrong = `gave ${answer?.count} events up to ${answer?.last}`;
    }
  }
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const after = meter.traffic();
  const perCall = (name: keyof Traffic): number => (after[name] - before[name]) / calls.length;
  return {
    wallMs: wall / calls.length,
    cpuMs: (user + system) / 1000 / calls.length,
    traffic: {
      requests: perCall("requests"),
      sent: perCall("sent"),
      received: perCall("received"),
      writeUnits: perCall("writeUnits"),
      readUnits: perCall("readUnits"),
    },
    wrong,
  };
}
