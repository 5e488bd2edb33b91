/** The entries of a ledger, as rows. */
import { ProtosourceError } from "../errors.js";
import { type LedgerEntry, LedgerEntrySchema } from "../gen/protosource_es/ledger/v1/ledger_v1_pb.js";
import { rehydrate } from "../opaquedata/opaque-data.js";
import { eachRow, type OpaqueKey, type OpaqueQuery, type OpaqueStore } from "../opaquedata/opaque-store.js";
import { modelPrefix } from "./model-rows.js";

/** What was appended at once, and the positions of its events. */
export interface PlacedEntry {
  readonly first: bigint;
  /** The position of its last event. */
  readonly end: bigint;
  readonly entry: LedgerEntry;
}

/** How many digits a position has in a key: as many as the largest. */
const DIGITS = 20;

/** The sort key of the entry that begins at a position. */
export function entryKey(first: bigint): string {
  return first.toString().padStart(DIGITS, "0");
}

/** The key of the entry that begins at a position. */
export function ledgerKey(subscription: string, first: bigint): OpaqueKey {
  return { pk: `${modelPrefix(subscription)}entries`, sk: entryKey(first) };
}

/** Reads entries, consistently: 1 read unit per 4 KB. Throws `corrupt_record`, naming the row. */
export async function ledgerEntries(
  rows: OpaqueStore,
  subscription: string,
  query: Pick<OpaqueQuery, "sort" | "reverse" | "limit" | "signal">,
): Promise<PlacedEntry[]> {
  const { pk: partition } = ledgerKey(subscription, 0n);
  const entries: PlacedEntry[] = [];
  for await (const row of eachRow(rows, { ...query, partition, consistent: true })) {
    const entry = rehydrate(LedgerEntrySchema, row);
    const first = BigInt(row.sk);
    const count = entry.spans.reduce((sum, { versions }) => sum + versions.length, 0);
    entries.push({ first, end: first + BigInt(count) - 1n, entry });
  }
  return entries;
}

/** Gives the place of the entries. Throws `not_configured` where there is none. */
export function requireRows(opaqueStore: OpaqueStore | undefined, subscription: string): OpaqueStore {
  if (opaqueStore !== undefined) return opaqueStore;
  throw new ProtosourceError(
    "not_configured",
    `the entries of ${subscription} are rows, and there is no place for them: give the opaqueStore`,
    { option: "opaqueStore" },
  );
}
