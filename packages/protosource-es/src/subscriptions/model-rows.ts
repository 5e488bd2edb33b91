/** The rows of a read model among those of others: under a prefix that nothing else has. */
import { invalid } from "../errors.js";
import { cursorText, cursorValues } from "../opaquedata/cursor-text.js";
import { GSI_NUMBERS, indexAttributes } from "../opaquedata/key-attribute.js";
import { rowKeys } from "../opaquedata/opaque-data.js";
import type { OpaqueKey, OpaqueRow, OpaqueStore } from "../opaquedata/opaque-store.js";

/** What comes before the partition keys of a read model's rows, in the table and in its indexes. */
export function modelPrefix(subscription: string): string {
  return `!model#${subscription}#`;
}

/** Gives the row as the table holds it. */
export function toStoredRow(prefix: string, row: OpaqueRow): OpaqueRow {
  const stored = { ...row, pk: prefix + row.pk };
  for (const index of GSI_NUMBERS) {
    const [pk] = indexAttributes(index);
    // An index that doesn't hold the row mustn't get it by the prefix.
    if (rowKeys(row, index) !== undefined) stored[pk] = prefix + row[pk];
  }
  return stored;
}

/** Gives the key as the table holds it. */
export function toStoredKey(prefix: string, { pk, sk }: OpaqueKey): OpaqueKey {
  return { pk: prefix + pk, sk };
}

function fromStoredRow(prefix: string, stored: OpaqueRow): OpaqueRow {
  const row = { ...stored, pk: stored.pk.slice(prefix.length) };
  for (const index of GSI_NUMBERS) {
    const [pk] = indexAttributes(index);
    if (stored[pk].startsWith(prefix)) row[pk] = stored[pk].slice(prefix.length);
  }
  return row;
}

/**
 * Gives the rows of one version of a read model as a store of their own, for the generated query classes. It is read
 * only: the rows are written by the subscription.
 */
export function modelRows(opaqueStore: OpaqueStore, subscription: string): OpaqueStore {
  const prefix = modelPrefix(subscription);
  const refuse = (): never => {
    throw invalid("row", `the rows of ${subscription} are written by its handlers alone`);
  };
  return {
    async get(key, options) {
      const stored = await opaqueStore.get(toStoredKey(prefix, key), options);
      return stored && fromStoredRow(prefix, stored);
    },
    async query(query) {
      const { partition, cursor } = query;
      const page = await opaqueStore.query({
        ...query,
        partition: prefix + partition,
        cursor: cursor === undefined ? undefined : withPartitions(cursor, (pk) => prefix + pk),
      });
      const rows = page.rows.map((row) => fromStoredRow(prefix, row));
      if (page.cursor === undefined) return { rows };
      return { rows, cursor: withPartitions(page.cursor, (pk) => pk.slice(prefix.length)) };
    },
    put: async () => refuse(),
    delete: async () => refuse(),
  };
}

/** Changes the partition keys in a cursor: it lists an index, and then the pk and the sk in each place. */
function withPartitions(cursor: string, change: (pk: string) => string): string {
  const values = cursorValues(cursor) as readonly (string | number)[];
  return cursorText(values.map((value, i) => (i % 2 === 1 && typeof value === "string" ? change(value) : value)));
}
