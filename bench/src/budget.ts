import { markdownTable } from "./markdown.js";

/** A promise and what was measured. */
export interface Budget {
  readonly workload: string;
  readonly promise: string;
  readonly measured: string;
  readonly kept: boolean;
}

/** Gives the table of budgets. */
export function budgetTable(all: readonly Budget[]): string {
  const rows = all.map(({ workload, promise, measured, kept }) => [
    workload,
    promise,
    measured,
    kept ? "yes" : "**no**",
  ]);
  return markdownTable(["workload", "budget", "measured", "kept"], rows);
}
