/** What the measurements come to. */
import { allocatedBytes } from "./allocations.js";
import { type Entry, interleave, measure, type Slice } from "./interleave.js";
import type { Traffic } from "./metered-client.js";
import { quantile } from "./statistics.js";
import type { Workload } from "./workloads.js";

/** What one call of a workload cost one store. */
export interface Result {
  readonly wall: Cost;
  readonly cpu: Cost;
  /** Requests and bytes, as they were while the time was taken. */
  readonly traffic: Traffic;
  /** Requests and capacity units, from the engine that reports them rightly. */
  readonly units: Traffic | undefined;
  readonly allocatedBytes: number;
  readonly wrong: string | undefined;
}

/** Milliseconds of a call, and their ratio to the floor's in the same round. */
export interface Cost {
  readonly ms: number;
  readonly ratio: number;
  /** The ratios between which the middle half of the rounds lies. */
  readonly low: number;
  readonly high: number;
}

/** The results of each workload for each store. */
export type Results = ReadonlyMap<string, ReadonlyMap<string, Result>>;

export interface RunOptions {
  readonly rounds: number;
  /** The same stores on an engine that reports capacity units. */
  readonly accounting?: readonly Entry[];
}

/** Runs a workload for stores, of which the first is the floor. Gives what each store's calls cost. */
export async function run(
  workload: Workload,
  entries: readonly Entry[],
  { rounds, accounting = [] }: RunOptions,
): Promise<ReadonlyMap<string, Result>> {
  const taking = entries.filter(({ contender }) => workload.fits(contender));
  const slices = await interleave(workload, taking, workload.calls < SHORT_CALLS ? rounds : 3 * rounds);
  const floor = slices.get(taking[0]?.name ?? "") ?? [];
  const results = new Map<string, Result>();
  for (const entry of taking) {
    const own = slices.get(entry.name) ?? [];
    const counted = accounting.find(({ name }) => name === entry.name);
    const units = counted && (await measure(workload, counted, Math.min(workload.calls, UNIT_CALLS)));
    const calls = await workload.prepare(entry.contender, entry.seeded, workload.calls);
    results.set(entry.name, {
      wall: costOf(own, floor, "wallMs"),
      cpu: costOf(own, floor, "cpuMs"),
      traffic: meanTraffic(own),
      units: units?.traffic,
      allocatedBytes: await allocatedBytes(calls),
      wrong: own.find(({ wrong }) => wrong !== undefined)?.wrong ?? units?.wrong,
    });
  }
  console.log(summary(workload.name, results));
  return results;
}

/** As many calls in a slice are short ones. They differ more from slice to slice, and get three times the rounds. */
const SHORT_CALLS = 30;

/** The calls of which the units are taken. They are exact; more than one, in case that they change as a stream grows. */
const UNIT_CALLS = 10;

function costOf(own: readonly Slice[], floor: readonly Slice[], what: "wallMs" | "cpuMs"): Cost {
  const ratios = own.map((slice, round) => slice[what] / (floor[round]?.[what] ?? Number.NaN));
  return {
    ms: quantile(
      own.map((slice) => slice[what]),
      0.5,
    ),
    ratio: quantile(ratios, 0.5),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
  };
}

function meanTraffic(slices: readonly Slice[]): Traffic {
  const mean = (name: keyof Traffic): number =>
    slices.reduce((sum, { traffic }) => sum + traffic[name], 0) / slices.length;
  return {
    requests: mean("requests"),
    sent: mean("sent"),
    received: mean("received"),
    writeUnits: mean("writeUnits"),
    readUnits: mean("readUnits"),
  };
}

function summary(workload: string, results: ReadonlyMap<string, Result>): string {
  const parts = [...results].map(
    ([name, { cpu, wall, wrong }]) =>
      `${name} ${cpu.ratio.toFixed(2)} / ${wall.ratio.toFixed(2)}${wrong === undefined ? "" : ` (${wrong})`}`,
  );
  return `${workload}, CPU / wall: ${parts.join("; ")}`;
}
