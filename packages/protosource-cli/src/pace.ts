/** How the option --max-units slows work down. */
import type { Command } from "commander";
import type { ObservedRequest } from "protosource-es/dynamodb";
import { usageError } from "./failure.js";

export interface PaceOption {
  readonly maxUnits?: string;
}

/** What keeps work below a rate. */
export interface Pace {
  /** To be given to the store. */
  readonly onRequest: ((request: ObservedRequest) => void) | undefined;
  /** To be awaited before each request. */
  readonly pace: (signal?: AbortSignal) => Promise<void>;
  /** How many items a page may hold, so that it doesn't take much more than a second's units. */
  readonly pageSize: number | undefined;
}

/** More items than a page of DynamoDB is likely to hold. */
const MAX_PAGE_SIZE = 10_000;

/** Adds the option. */
export function withPace(command: Command): Command {
  return command.option("--max-units <number>", "read and write units per second to use of DynamoDB at most");
}

/** Reads the option. Throws `invalid_argument`. */
export async function createPace({ maxUnits }: PaceOption): Promise<Pace> {
  if (maxUnits === undefined) return { onRequest: undefined, pace: async () => {}, pageSize: undefined };
  const units = Number(maxUnits);
  if (!(units > 0) || !Number.isFinite(units)) {
    throw usageError("--max-units", `--max-units is ${JSON.stringify(maxUnits)}: give a number above 0`);
  }
  const { createCapacityLimiter } = await import("protosource-es/dynamodb");
  return { ...createCapacityLimiter(units), pageSize: Math.min(MAX_PAGE_SIZE, Math.max(1, Math.floor(units))) };
}
