import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type GsiNumber, type KeyModel, keyModel, keyParts, NUM_GSIS } from "protosource-es/model";
import { type KeyFields, type OpaqueRow, queryClient, rowKey, rowKeys } from "protosource-es/opaquedata";
import { parseConditions } from "../../conditions.js";
import { usageError } from "../../failure.js";
import { wholeNumber } from "../../format.js";
import { messageJson } from "../../message-json.js";
import { findKeyed } from "../../row-view.js";
import { fieldsText } from "../fields-text.js";
import { maskPersonal } from "../mask-personal.js";
import { pageSize, required } from "../query.js";
import { readableRows } from "../readable-rows.js";
import type { RowPage } from "../rows-contract.js";
import type { Route } from "../studio.js";

const PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 500;

/** The fields that other columns show. */
const IN_KEYS = ["id", "version"] as const;

/**
 * `rows`: a page of the rows of the message `type` in an `index`, 0 for the table itself, that meet each condition `where`,
 * such as `customer_id=c-9`. `reverse=true` is in descending order. Price: what the query costs.
 */
export const rows: Route = async (studio, query, signal): Promise<RowPage> => {
  const { schemas } = studio;
  const store = readableRows(studio);
  const schema = findKeyed(schemas, required(query, "type"));
  const index = wholeNumber(required(query, "index"), "index", 0, NUM_GSIS) as GsiNumber | 0;
  const model = keyModel(schema);
  if (model === undefined) throw usageError("type", `no row holds a ${schema.name}: take another message`);
  const { partition, sort } = parseConditions(query.getAll("where"), model, index);
  // What the client gives are messages: their rows are seen on the way to it.
  const seen = new Map<string, OpaqueRow>();
  const client = queryClient(
    schema,
    {
      get: (key, options) => store.get(key, options),
      async query(options) {
        const page = await store.query(options);
        for (const row of page.rows) seen.set(nameOf(row), row);
        return page;
      },
    },
    schemas.keyring,
  );
  const { items, cursor } = await client.select(index, partition, {
    ...sort,
    limit: pageSize(query, PAGE_SIZE, MAX_PAGE_SIZE),
    reverse: query.get("reverse") === "true",
    cursor: query.get("cursor") ?? undefined,
    signal,
  });
  return {
    rows: items.flatMap((message) => {
      const row = seen.get(nameOf(keyOf(schema, model, message)));
      if (row === undefined) return [];
      const { pk, sk, version, body } = row;
      const inIndex = index === 0 ? undefined : rowKeys(row, index);
      const { json } = maskPersonal(schema, messageJson(schema, message, schemas.registry));
      return [
        {
          ...{ pk, sk, version: version.toString(), bytes: body.length },
          ...(inIndex ? { indexPk: inIndex.pk, indexSk: inIndex.sk } : {}),
          text: fieldsText(json, IN_KEYS),
        },
      ];
    }),
    ...(cursor === undefined ? {} : { cursor }),
  };
};

function keyOf(schema: DescMessage, model: KeyModel, message: Message): Pick<OpaqueRow, "pk" | "sk"> {
  const values = keyParts(model).map(({ field, read }) => [field.localName, read(message as never)] as const);
  return rowKey(schema, Object.fromEntries(values) as KeyFields);
}

function nameOf({ pk, sk }: Pick<OpaqueRow, "pk" | "sk">): string {
  return JSON.stringify([pk, sk]);
}
