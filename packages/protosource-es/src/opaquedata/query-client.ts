import type { DescField, DescMessage, MessageShape } from "@bufbuild/protobuf";
import { invalid } from "../errors.js";
import { blindValue } from "../personal/blind-keys.js";
import type { Keyring } from "../personal/keyring.js";
import { composeKey, requireKeyModel } from "./auto-pksk.js";
import { indexAttributes } from "./key-attribute.js";
import { type KeyFields, keyOf, keyParts, type RowId, readFields } from "./key-fields.js";
import type { KeyModel } from "./key-model.js";
import type { FieldValues } from "./key-value.js";
import type { GetOptions, GsiNumber, OpaqueStore } from "./opaque-store.js";
import type { Page, PageOptions } from "./query-options.js";
import { type QueryPlan, readPage } from "./query-page.js";
import { type ReadRows, rowReader } from "./row-reader.js";
import { eq } from "./sort-condition.js";
import { equalTo, planSort } from "./sort-plan.js";

/**
 * Finds the messages of one type by their fields. What it returns has the very values asked for: keys are unescaped, so
 * that a row of other values may lie under the same key, and such a row is left out.
 */
export interface QueryClient<D extends DescMessage> {
  /**
   * Reads the message of an id, or of the fields that make its keys; undefined when there is none.
   *
   * Throws `invalid_argument` for an empty id and for missing fields.
   */
  get(id: RowId, options?: GetOptions): Promise<MessageShape<D> | undefined>;

  /**
   * Reads a page of an index, or of the table itself for 0. `partition` gives all fields of its partition key, and the
   * options may hold conditions on the fields of its sort key: see `QueryOptions`.
   *
   * Throws `invalid_argument` for an index that the message isn't in, fields and conditions that don't fit it, and a
   * cursor of another query.
   */
  select(index: GsiNumber | 0, partition: KeyFields, options?: PageOptions): Promise<Page<MessageShape<D>>>;

  /** Reads all messages of a query one by one, a page at a time. `limit` counts over all pages. */
  each(
    index: GsiNumber | 0,
    partition: KeyFields,
    options?: PageOptions,
  ): AsyncGenerator<MessageShape<D>, void, undefined>;
}

/**
 * Makes the client that finds messages of a type in a store. One with personal fields needs the keyring of its writers.
 *
 * Throws `not_keyed` for a message without usable key annotations, and `not_configured` without a keyring where it needs one.
 */
export function queryClient<D extends DescMessage>(
  schema: D,
  store: Pick<OpaqueStore, "get" | "query">,
  keyring?: Keyring,
): QueryClient<D> {
  const model = requireKeyModel(schema);
  const readRows = rowReader(schema, keyring);
  const stored: StoredValue = (field, value) => (keyring ? blindValue(keyring.blind, field, value) : value);
  if (!store) throw invalid("store", "the queries need an OpaqueStore: give the one that the rows are written to");
  const select: QueryClient<D>["select"] = async (index, partition, options = {}) =>
    readPage(store, planQuery({ schema, model, readRows, stored }, index, partition, options), options);
  return {
    async get(id, options) {
      const { key, values } = keyOf(model, id);
      const row = await store.get(key, options);
      const [message] = row ? await readRows([row], { signal: options?.signal }) : [];
      return message && equalTo(keyParts(model), values)(message as unknown as FieldValues) ? message : undefined;
    },
    select,
    async *each(index, partition, options = {}) {
      let { cursor, limit: left } = options;
      do {
        const page = await select(index, partition, { ...options, cursor, limit: left });
        yield* page.items;
        cursor = page.cursor;
        if (left !== undefined) left -= page.items.length;
      } while (cursor !== undefined && left !== 0);
    },
  };
}

/** Gives what a key holds of a value. */
type StoredValue = (field: DescField, value: unknown) => unknown;

/** What is known of the messages of a client. */
interface Queried<D extends DescMessage> {
  readonly schema: D;
  readonly model: KeyModel;
  readonly readRows: ReadRows<D>;
  readonly stored: StoredValue;
}

function planQuery<D extends DescMessage>(
  { schema, model, readRows, stored }: Queried<D>,
  index: GsiNumber | 0,
  fields: KeyFields,
  options: PageOptions,
): QueryPlan<MessageShape<D>> {
  const { fixedSortKey } = model;
  const [pkName, skName] = indexAttributes(index);
  const template = model.templates.get(pkName);
  if (!template) {
    const indexes = [...model.templates.keys()].flatMap((name) => /^gsi(\d+)pk$/.exec(name)?.[1] ?? []);
    throw invalid(
      "index",
      `${schema.typeName} isn't in index ${index}: it is in ${indexes.join(", ") || "none"}, and 0 is the table`,
    );
  }
  const values = readFields(schema, template.parts, fields);
  const isOfPartition = equalTo(template.parts, values);
  const { scans, isMeant, isWhole } = planSort(schema, model.templates.get(skName), options);
  return {
    index,
    partition: composeKey(
      template,
      template.parts.map(({ field }, i) => stored(field, values[i])),
    ),
    // Under an aggregate's pk lie its projections too.
    isWhole,
    scans: index === 0 && fixedSortKey !== undefined ? [{ sort: eq(fixedSortKey), reverse: false }] : scans,
    async read(rows) {
      const own = rows.filter(({ sk }) => fixedSortKey === undefined || sk === fixedSortKey);
      const messages = await readRows(own, { signal: options.signal });
      return own.flatMap((row, i) => {
        const message = messages[i] as MessageShape<D>;
        const found = message as unknown as FieldValues;
        return isOfPartition(found) && isMeant(found) ? [{ row, message }] : [];
      });
    },
  };
}
