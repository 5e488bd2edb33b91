import { isProtosourceError } from "protosource-es";
import { type GsiNumber, indexAttributes, keyModel, NUM_GSIS } from "protosource-es/model";
import { type OpaqueRow, queryClient, rehydrate, rowKey, rowKeys } from "protosource-es/opaquedata";
import { parseConditions } from "../../conditions.js";
import { usageError } from "../../failure.js";
import { wholeNumber } from "../../format.js";
import { messageJson } from "../../message-json.js";
import { findKeyed } from "../../row-view.js";
import { fieldsText } from "../fields-text.js";
import { keyFields, keysFor } from "../open-row.js";
import { pageSize, required } from "../query.js";
import { readableRows } from "../readable-rows.js";
import type { RowPage, RowSummary } from "../rows-contract.js";
import type { Route } from "../studio.js";

const PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 500;

/** The fields that other columns show. */
const IN_KEYS = ["id", "version"] as const;

/**
 * `rows`: a page of the rows of the message `type` in an `index`, 0 for the table itself, that meet each condition `where`,
 * such as `customer_id=c-9`. `reverse=true` is in descending order. Keys are asked for what is found by a personal field,
 * and for what is to be shown. What can't be read comes last, with what is wrong with it. Price: what the query costs.
 */
export const rows: Route = async (studio, query, signal): Promise<RowPage> => {
  const { schemas, personal } = studio;
  const store = readableRows(studio);
  const schema = findKeyed(schemas, required(query, "type"));
  const index = wholeNumber(required(query, "index"), "index", 0, NUM_GSIS) as GsiNumber | 0;
  const model = keyModel(schema);
  if (model === undefined) throw usageError("type", `no row holds a ${schema.name}: take another message`);
  const { partition, sort } = parseConditions(query.getAll("where"), model, index);
  const [pkName, skName] = indexAttributes(index);
  const parts = model.templates.get(pkName)?.parts ?? [];
  // What the client gives are messages: their rows are seen on the way to it, and it fails for those that are none.
  const seen = new Map<string, OpaqueRow[]>();
  const damaged: RowSummary[] = [];
  const see = (row: OpaqueRow): boolean => {
    if (model.fixedSortKey !== undefined && row.sk !== model.fixedSortKey) return true;
    try {
      const name = nameOf(rowKey(schema, keyFields(model, rehydrate(schema, row))));
      // A row may tell of another key than its own.
      seen.set(name, [...(seen.get(name) ?? []), row]);
      return true;
    } catch (error) {
      if (!isProtosourceError(error)) throw error;
      damaged.push(summaryOf(row, error.rawMessage));
      return false;
    }
  };
  const client = queryClient(
    schema,
    {
      get: (key, options) => store.get(key, options),
      async query(options) {
        const page = await store.query(options);
        return { ...page, rows: page.rows.filter(see) };
      },
    },
    keysFor(studio, parts.some(({ field }) => personal.hides(field)) || personal.isShown),
  );
  const { items, cursor } = await client.select(index, partition, {
    ...sort,
    limit: pageSize(query, PAGE_SIZE, MAX_PAGE_SIZE),
    reverse: query.get("reverse") === "true",
    cursor: query.get("cursor") ?? undefined,
    signal,
  });
  const readable = items.flatMap((message) => {
    const row = seen.get(nameOf(rowKey(schema, keyFields(model, message))))?.shift();
    if (row === undefined) return [];
    const { json } = personal.show(schema, messageJson(schema, message, schemas.registry));
    return [summaryOf(row, fieldsText(json, IN_KEYS))];
  });
  return { rows: [...readable, ...damaged], ...(cursor === undefined ? {} : { cursor }) };

  function summaryOf(row: OpaqueRow, text: string): RowSummary {
    const { pk, sk, version, body } = row;
    const inIndex = index === 0 ? undefined : rowKeys(row, index);
    return {
      ...{ pk, sk, version: version.toString(), bytes: body.length },
      ...(inIndex
        ? { indexPk: personal.key(schema, pkName, inIndex.pk), indexSk: personal.key(schema, skName, inIndex.sk) }
        : {}),
      text,
    };
  }
};

function nameOf({ pk, sk }: Pick<OpaqueRow, "pk" | "sk">): string {
  return JSON.stringify([pk, sk]);
}
