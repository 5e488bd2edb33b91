/** What every call of a repository checks of its arguments, and of the store that they need. */
import type { AggregateMessage } from "../aggregate/behaviour.js";
import { invalid, ProtosourceError } from "../errors.js";
import { MAX_TTL_SECONDS } from "../store/save-checks.js";
import type { RepositoryStore } from "./repository-options.js";

/** A state that may not be there. */
interface MaybeState {
  readonly aggregate: AggregateMessage | undefined;
}

/** Checks an id. Throws `invalid_argument` for an empty one. */
export function checkId(id: string): void {
  if (typeof id !== "string" || id === "") throw invalid("id", "the id is empty: say which aggregate");
}

/** Checks a number of retries. Throws `invalid_argument` for one that isn't a whole number from 0. */
export function checkRetries(retries: number | undefined): void {
  if (retries !== undefined && !(Number.isSafeInteger(retries) && retries >= 0)) {
    throw invalid("retries", `${retries} retries aren't possible: give 0 or a whole number above`);
  }
}

/**
 * Checks that an aggregate is at the version that is expected, 0 for no aggregate.
 *
 * Throws `version_conflict` when it is at another, and `invalid_argument` for what is no version.
 */
export function checkVersion(aggregateId: string, state: MaybeState, expected: bigint | undefined): void {
  if (isAtVersion(state, expected)) return;
  if (typeof expected !== "bigint") {
    throw invalid("expectedVersion", "expectedVersion is no bigint: give one, such as 3n");
  }
  const version = state.aggregate?.version ?? 0n;
  throw new ProtosourceError(
    "version_conflict",
    `${aggregateId} is at version ${version}, and not at ${expected}: load it and decide again`,
    { aggregateId, version },
  );
}

/** Tells whether an aggregate is at the version that is expected, if any is. */
export function isAtVersion({ aggregate }: MaybeState, expected: bigint | undefined): boolean {
  return expected === undefined || expected === (aggregate?.version ?? 0n);
}

/** Checks the id of a command. Throws `invalid_argument` for an empty one, `not_configured` without claims. */
export function checkCommandId(store: RepositoryStore, commandId: string): void {
  if (typeof commandId !== "string" || commandId === "") {
    throw invalid("commandId", "the commandId is empty: give what names the command, or none");
  }
  requireClaims(store, "commandId");
}

/** Checks for how long ids are remembered. Throws `invalid_argument`. */
export function checkCommandIdSeconds(seconds: number | undefined): void {
  if (seconds !== undefined && !(Number.isSafeInteger(seconds) && seconds > 0 && seconds <= MAX_TTL_SECONDS)) {
    throw invalid("commandIdSeconds", `an id can't be remembered for ${seconds} seconds: give a whole number above 0`);
  }
}

/** Checks that a store keeps claims, which an option needs. Throws `not_configured`. */
export function requireClaims(store: RepositoryStore, option: string): void {
  if (store.saveAll !== undefined && store.findClaim !== undefined) return;
  throw new ProtosourceError(
    "not_configured",
    `${option} needs a store with saveAll and findClaim: give another store`,
    { option },
  );
}
