/** Beside step 7: what a save takes and frees of the values that are unique, and how a command is known again. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import { behaviourOf } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { invalid } from "../errors.js";
import type { Keyring } from "../personal/keyring.js";
import type { Claim } from "../store/store.js";

/** The unique values of an aggregate, by the scope that they are unique in. */
export type UniqueValues = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Gives the unique values of an aggregate; none when there is no aggregate. Where the aggregate has personal fields, an
 * HMAC stands for each value.
 *
 * Throws `invalid_argument` for a rule that gives something other than strings.
 */
export function uniqueValues<T extends AggregateTypes>(
  { schema, rules }: Aggregate<T>,
  aggregate: T["aggregate"] | undefined,
  keyring?: Keyring,
): UniqueValues {
  const { isPersonal } = behaviourOf(schema as DescMessage);
  const found = new Map<string, ReadonlySet<string>>();
  for (const [name, valuesOf] of Object.entries(rules.unique ?? {})) {
    const given: unknown = aggregate && valuesOf(aggregate);
    const values: readonly unknown[] = Array.isArray(given) ? given : [given ?? ""];
    const texts = values.filter((value): value is string => typeof value === "string");
    if (texts.length < values.length) {
      throw invalid(
        `unique.${name}`,
        `unique.${name} of ${schema.typeName} must give a string, several, or undefined, and at once`,
      );
    }
    const scope = uniqueScope(schema.typeName, name);
    const stored = (text: string): string => (isPersonal && keyring ? keyring.blind(scope, text) : text);
    found.set(scope, new Set(texts.filter((text) => text !== "").map(stored)));
  }
  return found;
}

/** The scope in which the values of a rule are unique. */
export function uniqueScope(typeName: string, name: string): string {
  return `${typeName}.${name}`;
}

/**
 * Gives what a change of an aggregate takes and frees. Claims expire with the newest record of the stream: those that stay
 * are taken again, unless neither it nor the one `before` it ever expires.
 */
export function claimChanges(
  before: UniqueValues,
  after: UniqueValues,
  owner: string,
  expiry: { readonly before: bigint | undefined; readonly ttl: bigint },
): Claim[] {
  const { ttl } = expiry;
  const lasts = ttl === 0n && expiry.before === 0n;
  const claims: Claim[] = [];
  for (const [scope, values] of after) {
    const earlier = before.get(scope) ?? new Set();
    for (const value of values) {
      if (!lasts || !earlier.has(value)) claims.push({ scope, value, owner, ttl });
    }
    for (const value of earlier) {
      if (!values.has(value)) claims.push({ scope, value, owner, release: true });
    }
  }
  return claims;
}
