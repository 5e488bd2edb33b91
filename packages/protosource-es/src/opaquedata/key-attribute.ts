/** The names of the keys of the aggregates table and its indexes. */
import { type GsiNumber, NUM_GSIS } from "./opaque-store.js";

/** A key of the table, or of one of its indexes. */
export type KeyAttribute = "pk" | "sk" | `gsi${GsiNumber}${"pk" | "sk"}`;

/** What stands for a key that a message doesn't have. */
export const NO_KEY = "NA";

/** The numbers of the indexes. */
export const GSI_NUMBERS: readonly GsiNumber[] = Array.from({ length: NUM_GSIS }, (_, i) => (i + 1) as GsiNumber);

/** All 42 keys, in the order of their annotations' numbers: the key of number `n` is at `n - 1`. */
export const KEY_ATTRIBUTES: readonly KeyAttribute[] = [
  "pk",
  "sk",
  ...GSI_NUMBERS.flatMap((gsi): KeyAttribute[] => [`gsi${gsi}pk`, `gsi${gsi}sk`]),
];

/** The names of an index's two keys; of the table's own for 0. */
export function indexAttributes(index: GsiNumber | 0): readonly [pk: KeyAttribute, sk: KeyAttribute] {
  return index === 0 ? ["pk", "sk"] : [`gsi${index}pk`, `gsi${index}sk`];
}
