/** What the API answers about the health of a store. As in `contract.ts`, versions and times are strings. */
import type { Cost } from "./contract.js";

/** What can be looked at, before it is begun. */
export interface HealthPlan {
  /** About how many records there are, where that is known without a look at them. */
  readonly records?: number;
  /** Whether there are tables to compare with what they should be. */
  readonly tables: boolean;
  /** What a look costs, and what it must be permitted; absent where it is free. */
  readonly charged?: { readonly stream: string; readonly all: string; readonly tables: string };
}

/** What was found of tables. */
export interface TableFindings {
  readonly findings: readonly TableFinding[];
  readonly cost?: Cost;
}

export interface TableFinding {
  readonly table: string;
  /** What is wrong, and what to do. */
  readonly message: string;
  /** Whether it is wrong, or only couldn't be looked at. */
  readonly severity: "error" | "warning";
  /** The command line that mends it. */
  readonly line?: string;
}

/** A part of the streams, looked through. A stream is told in the part in which it begins. */
export interface VerifiedPage {
  readonly records: number;
  readonly streams: number;
  readonly problems: readonly StreamFinding[];
  /** Those of this part that stand out: the longest, the largest, and those whose snapshot is the oldest. */
  readonly notable: readonly StreamSize[];
  readonly bytes: number;
  /** Where to go on; absent at the end. */
  readonly cursor?: string;
  readonly cost?: Cost;
}

export interface StreamFinding {
  /** One of the kinds of `streams verify`. */
  readonly kind: string;
  readonly severity: "error" | "warning";
  readonly id?: string;
  readonly version?: string;
  readonly message: string;
  /** The command line that mends it, or shows it where nothing does; absent where none reaches the store. */
  readonly line?: string;
}

export interface StreamSize {
  readonly id: string;
  readonly records: number;
  readonly bytes: number;
  /** How many records lie behind the last snapshot; all of them where there is none. Absent for aggregates without. */
  readonly sinceSnapshot?: number;
  /** When the last snapshot was made. */
  readonly snapshotAt?: string;
}
