/** The keys of claims, which lie in the table of the rows and are none. */
import type { OpaqueKey } from "./opaque-store.js";

const CLAIM_PREFIX = "!claim#";

const CLAIM_SORT_KEY = "CLAIM";

/** Gives the key under which a claim is kept. It shows the scope, and of the value its SHA-256 only. */
export async function claimKey(scope: string, value: string): Promise<OpaqueKey> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value)));
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { pk: `${CLAIM_PREFIX}${scope}#${hash}`, sk: CLAIM_SORT_KEY };
}

/** Tells whether a partition key is a claim's. Rows can't have such a key. */
export function isClaimKey(pk: string): boolean {
  return pk.startsWith(CLAIM_PREFIX);
}
