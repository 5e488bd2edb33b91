/** What a request says in its headers beside what its protocol reads there. */
import { invalid } from "../errors.js";

/** On what conditions a command is to be applied. */
export interface Conditions {
  readonly expectedVersion: bigint | undefined;
  readonly idempotencyKey: string | undefined;
}

/** The longest Idempotency-Key. */
const MAX_KEY_LENGTH = 255;

/**
 * Reads `If-Match: "3"` as the version that is expected, `If-None-Match: *` as that of no aggregate, and
 * `Idempotency-Key`, in quotes or not.
 *
 * Throws `invalid_argument` for conditions that aren't one version, that contradict each other, and a key that is too long.
 */
export function conditionsOf(headers: Headers): Conditions {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  if (ifMatch !== null && ifNoneMatch !== null) {
    throw invalid("If-Match", "If-Match and If-None-Match contradict each other: give one of them");
  }
  if (ifNoneMatch !== null && ifNoneMatch !== "*") {
    throw invalid(
      "If-None-Match",
      "a command takes If-None-Match only as *, for no aggregate: give If-Match with a version",
    );
  }
  const version = ifMatch === null ? undefined : versionOfTag(ifMatch);
  return { expectedVersion: ifNoneMatch === "*" ? 0n : version, idempotencyKey: keyOf(headers.get("idempotency-key")) };
}

/** Gives the entity tag of a version. */
export function tagOf(version: bigint): string {
  return `"${version}"`;
}

/** Tells whether a caller has the version of a tag already. */
export function hasTag(ifNoneMatch: string | null, tag: string | null): boolean {
  if (ifNoneMatch === null || tag === null) return false;
  return ifNoneMatch.split(",").some((one) => one.trim().replace(/^W\//, "") === tag);
}

function versionOfTag(tag: string): bigint {
  const digits = /^"(\d{1,19})"$/.exec(tag.trim())?.[1];
  if (digits !== undefined) return BigInt(digits);
  throw invalid("If-Match", 'If-Match isn\'t one version: give the ETag of an earlier answer, such as "3"');
}

function keyOf(header: string | null): string | undefined {
  if (header === null) return undefined;
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (key !== "" && key.length <= MAX_KEY_LENGTH) return key;
  throw invalid("Idempotency-Key", `the Idempotency-Key isn't one: give 1 to ${MAX_KEY_LENGTH} characters`);
}
