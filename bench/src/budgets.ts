/** What the package promises, and what was measured. */
import type { Budget } from "./budget.js";
import type { LongStream } from "./long-stream.js";
import { EMMETT, OURS, PACKED, SQLITE } from "./names.js";
import type { Result, Results } from "./results.js";
import { PROMISED, type Size, sizeBudgets } from "./size.js";

/** What is measured once, beside the workloads. */
export interface Measured {
  readonly dynamoDB: Results;
  readonly embedded: Results;
  readonly longStream: LongStream;
  readonly size: Size;
}

const MAX_GROWN_MIB = 64;

/** Compares what was measured with what is promised. */
export function budgets({ dynamoDB, embedded, longStream, size }: Measured): readonly Budget[] {
  const of = (results: Results, workload: string, store: string): Result => {
    const result = results.get(workload)?.get(store);
    if (!result) throw new Error(`${workload} wasn't measured for ${store}`);
    return result;
  };
  const units = (workload: string, store: string, most: Units): Budget => {
    const { requests = 0, writeUnits = 0, readUnits = 0 } = of(dynamoDB, workload, store).units ?? {};
    const measured: Units = { requests, writeUnits, readUnits };
    return {
      workload: store === OURS ? workload : `${workload}, packed`,
      promise: describe(most, most),
      measured: describe(most, measured),
      kept: names(most).every((name) => (measured[name] ?? 0) <= (most[name] ?? 0)),
    };
  };
  const ratio = (results: Results, workload: string, store: string, what: "cpu" | "wall", most: number): Budget => {
    const result = of(results, workload, store);
    const cost = result[what];
    return {
      workload: store === SQLITE ? `${workload}, ${SQLITE} against ${EMMETT}` : workload,
      promise: `${what === "cpu" ? "CPU" : "wall"} ≤ ${most} ×`,
      measured: `${cost.ratio.toFixed(2)} × [${cost.low.toFixed(2)}–${cost.high.toFixed(2)}]`,
      kept: cost.ratio <= most && result.wrong === undefined,
    };
  };
  const cpu = (workload: string, most: number): Budget => ratio(dynamoDB, workload, OURS, "cpu", most);

  return [
    units("append 1", OURS, { requests: 1, writeUnits: 1 }),
    cpu("append 1", 0.9),
    units("append 5", OURS, { writeUnits: 10 }),
    cpu("append 5", 0.85),
    units("append 5", PACKED, { requests: 1, writeUnits: 2 }),
    cpu("append 250", 0.9),
    units("append 250", PACKED, { requests: 1, writeUnits: 64 }),
    cpu("load 100 to records", 0.65),
    cpu("load 1000 to records", 0.5),
    cpu("load 8000 to records", 0.4),
    cpu("load 100 to events", 0.7),
    cpu("load 1000 to events", 0.55),
    cpu("load 8000 to events", 0.5),
    ratio(dynamoDB, "load 8000 to records", OURS, "wall", 0.7),
    ratio(dynamoDB, "load 8000 to events", OURS, "wall", 0.7),
    cpu("tail 50 of 8000", 0.65),
    units("apply warm, rows off", OURS, { requests: 1, writeUnits: 1, readUnits: 0 }),
    {
      workload: `${longStream.events} events streamed`,
      promise: `live memory grows by < ${MAX_GROWN_MIB} MiB`,
      measured: `${longStream.grownMiB.toFixed(1)} MiB`,
      kept: longStream.grownMiB < MAX_GROWN_MIB,
    },
    ...(embedded.get("append 1")?.has(EMMETT)
      ? [ratio(embedded, "append 1", SQLITE, "wall", 1), ratio(embedded, "load 1000 to events", SQLITE, "wall", 1)]
      : []),
    ...sizeBudgets(size, size.importMs, PROMISED),
  ];
}

interface Units {
  readonly requests?: number;
  readonly writeUnits?: number;
  readonly readUnits?: number;
}

const NAMES = { requests: "requests", writeUnits: "WCU", readUnits: "RCU" } as const;

function names(units: Units): readonly (keyof Units)[] {
  return (Object.keys(NAMES) as (keyof Units)[]).filter((name) => units[name] !== undefined);
}

function describe(wanted: Units, units: Units): string {
  return names(wanted)
    .map((name) => `${units[name]} ${units[name] === 1 ? NAMES[name].replace(/s$/, "") : NAMES[name]}`)
    .join(", ");
}
