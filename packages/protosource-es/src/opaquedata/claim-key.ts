/** The keys of claims, which lie in the table of the rows and are none. */
import type { OpaqueKey } from "./opaque-store.js";
import { sha256Hex } from "./sha256.js";

/** How the partition keys of claims begin. */
export const CLAIM_PREFIX = "!claim#";

/** The sort key of every claim. */
export const CLAIM_SORT_KEY = "CLAIM";

/** Gives the key under which a claim is kept. It shows the scope, and of the value its SHA-256 only. */
export async function claimKey(scope: string, value: string): Promise<OpaqueKey> {
  return { pk: `${CLAIM_PREFIX}${scope}#${await claimHash(value)}`, sk: CLAIM_SORT_KEY };
}

/** Gives what is kept of a value: its SHA-256 in hexadecimal. */
export function claimHash(value: string): Promise<string> {
  return sha256Hex(value);
}

/** Gives what a claim's key says. */
export function readClaimKey(pk: string): { readonly scope: string; readonly hash: string } {
  const end = pk.lastIndexOf("#");
  return { scope: pk.slice(CLAIM_PREFIX.length, end), hash: pk.slice(end + 1) };
}

/** Tells whether a partition key is a claim's. Rows can't have such a key. */
export function isClaimKey(pk: string): boolean {
  return pk.startsWith(CLAIM_PREFIX);
}
