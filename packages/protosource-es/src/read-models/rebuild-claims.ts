/** Unique values taken anew from the aggregates: after an import, or a rule that came later than they did. */
import type { Aggregate } from "../aggregate/aggregate.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { claimHash } from "../opaquedata/claim-key.js";
import type { Keyring } from "../personal/keyring.js";
import { type UniqueValues, uniqueScope, uniqueValues } from "../repository/claims.js";
import type { LoadedState } from "../repository/load.js";
import { claimTaken } from "../store/claims.js";
import type { ClaimingStore, ClaimScanningStore, ScannedClaim, TransactionalStore } from "../store/store.js";

/** A store that keeps unique values, and lets them be looked at. */
export type ClaimsStore = TransactionalStore & ClaimingStore & ClaimScanningStore;

/** Where claims are taken and freed, and how the aggregates are read that they belong to. */
export interface ClaimsRun {
  readonly store: ClaimsStore;
  readonly dryRun: boolean;
  /** Reads the aggregate of a stream anew, with its definition; undefined for one that no definition is of. */
  readonly read: (streamId: string) => Promise<OwnerState | undefined>;
}

/** An aggregate, as it is now. */
export interface OwnerState extends Pick<LoadedState, "aggregate" | "version" | "last" | "absence"> {
  readonly definition: Aggregate<AggregateTypes>;
  readonly keyring: Keyring | undefined;
}

/** What came of a value: it was taken, was the aggregate's already, or belongs to another one that has it as well. */
export type ClaimOutcome = "taken" | "unchanged" | ProtosourceError<"claim_taken">;

/** How often an aggregate is looked at again that was changed meanwhile. */
const REREADS = 8;

/** What matters here of an aggregate's definition. */
interface Ruled {
  readonly schema: { readonly typeName: string };
  readonly rules: { readonly unique?: object | undefined };
}

/** Tells whether an aggregate has rules for unique values. */
export function hasUnique({ rules }: Ruled): boolean {
  return rules.unique !== undefined;
}

/** Gives the scopes of the unique values that aggregates have rules for. */
export function uniqueScopes(definitions: readonly Ruled[]): ReadonlySet<string> {
  const scopes = definitions.flatMap(({ schema, rules }) =>
    Object.keys(rules.unique ?? {}).map((name) => uniqueScope(schema.typeName, name)),
  );
  return new Set(scopes);
}

/** Sees that a store keeps claims. Throws `not_configured`. */
export function claimsStore(store: Partial<ClaimsStore>): ClaimsStore {
  const { saveAll, findClaim, scanClaims, freeClaim: free } = store;
  if (saveAll && findClaim && scanClaims && free) return store as ClaimsStore;
  throw new ProtosourceError(
    "not_configured",
    "to rebuild unique values, the store needs saveAll, findClaim, scanClaims and freeClaim: give another store",
    { option: "unique" },
  );
}

/**
 * Takes the unique values of an aggregate that it doesn't have yet, and gives what came of each. A claim whose owner no
 * longer has the value is freed first.
 */
export async function takeClaims(
  run: ClaimsRun,
  streamId: string,
  first: OwnerState,
): Promise<readonly ClaimOutcome[]> {
  let state: OwnerState | undefined = first;
  for (let reread = 0; state?.aggregate !== undefined; reread++) {
    try {
      return await takeAll(run, streamId, state);
    } catch (error) {
      // The aggregate, or a claim, was changed meanwhile.
      const isRace = isProtosourceError(error, "version_conflict") || isProtosourceError(error, "claim_taken");
      if (!isRace || reread === REREADS) throw error;
    }
    state = await run.read(streamId);
  }
  return [];
}

async function takeAll(run: ClaimsRun, streamId: string, state: OwnerState): Promise<readonly ClaimOutcome[]> {
  const outcomes: ClaimOutcome[] = [];
  for (const [scope, values] of valuesOf(state)) {
    for (const value of values) outcomes.push(await take(run, { scope, value }, streamId, state));
  }
  return outcomes;
}

async function take(
  run: ClaimsRun,
  { scope, value }: { readonly scope: string; readonly value: string },
  owner: string,
  { version, last }: OwnerState,
): Promise<ClaimOutcome> {
  const ttl = last?.ttl ?? 0n;
  const stored = await run.store.findClaim(scope, value);
  if (stored?.owner === owner && stored.ttl === ttl) return "unchanged";
  const claims = [{ scope, value, owner, ttl }];
  if (stored !== undefined && stored.owner !== owner) {
    const other = await run.read(stored.owner);
    if (valuesOf(other).get(scope)?.has(value)) return claimTaken(scope, stored.owner);
    const freed = [{ scope, value, owner: stored.owner, release: true }];
    const check = [{ aggregateId: stored.owner, version: other?.version ?? 0n }];
    if (!run.dryRun) await run.store.saveAll([], { claims: freed, check });
  }
  // An aggregate that has changed since may not have the value any more.
  if (!run.dryRun) await run.store.saveAll([], { claims, check: [{ aggregateId: owner, version }] });
  return "taken";
}

/** Frees a claim whose owner doesn't have its value, and tells whether it did. */
export async function freeClaim(run: ClaimsRun, claim: ScannedClaim): Promise<boolean> {
  const state = await run.read(claim.owner);
  const values = valuesOf(state).get(claim.scope) ?? new Set();
  const hashes = await Promise.all([...values].map(claimHash));
  if (hashes.includes(claim.hash)) return false;
  return run.dryRun || run.store.freeClaim(claim);
}

/** The unique values that an aggregate has; none when it is gone, or no definition is known of it. */
function valuesOf(state: OwnerState | undefined): UniqueValues {
  return state === undefined ? new Map() : uniqueValues(state.definition, state.aggregate, state.keyring);
}
