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

/** Gives the error of a claim that came too late. The value isn't named: it may be personal. */
export function claimTaken(scope: string, owner: string): ProtosourceError<"claim_taken"> {
  return new ProtosourceError(
    "claim_taken",
    `the value of ${scope} belongs to ${owner}: choose another one, or let its owner free it`,
    { scope, owner },
  );
}
