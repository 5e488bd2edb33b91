/** What all stores know of claims: whom one keeps out. */
import { ProtosourceError } from "../errors.js";
import type { Claim, StoredClaim } from "./store.js";

/** Tells whether a claim still counts at a time in epoch seconds. */
export function isAliveClaim({ ttl }: Pick<StoredClaim, "ttl">, now: bigint): boolean {
  return ttl === 0n || ttl > now;
}

/** Tells whether a stored claim keeps a value from being taken, at a time in epoch seconds. */
export function keepsOut(stored: StoredClaim, claim: Claim, now: bigint): boolean {
  return isAliveClaim(stored, now) && (claim.once === true || stored.owner !== claim.owner);
}

/**
 * Gives the error of a claim that came too late. Its message goes to whoever gave the value, so it names neither that,
 * which may be personal, nor the owner, which is in the details alone.
 */
export function claimTaken(scope: string, owner: string): ProtosourceError<"claim_taken"> {
  return new ProtosourceError(
    "claim_taken",
    `the value of ${scope} is taken: choose another one, or let its owner free it`,
    { scope, owner },
  );
}
