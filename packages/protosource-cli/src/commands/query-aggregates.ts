/** `aggregates query`: the rows of a partition. */
import { keyModel } from "protosource-es/model";
import { type GsiNumber, NUM_GSIS, queryClient } from "protosource-es/opaquedata";
import { type Action, type Context, type SchemaOptions, useStore } from "../command.js";
import { parseConditions } from "../conditions.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { counted, wholeNumber } from "../format.js";
import { loadSchemas } from "../load-schemas.js";
import { messageJson } from "../message-json.js";
import { type Output, prettyJson } from "../output.js";
import { printRow } from "../print-row.js";
import { findKeyed, schemaOf, viewRow } from "../row-view.js";
import type { Schemas } from "../schemas.js";

export interface QueryOptions extends SchemaOptions {
  readonly index: string;
  readonly where: readonly string[];
  readonly partition?: string;
  readonly limit: string;
  readonly reverse?: boolean;
  readonly cursor?: string;
}

export const queryAggregates: Action<QueryOptions> = async (context, options, type) => {
  const index = wholeNumber(options.index, "--index", 0);
  if (index > NUM_GSIS)
    throw usageError("--index", `there is no index ${index}: give 1 to ${NUM_GSIS}, or 0 for the table`);
  const schemas = await loadSchemas(options);
  if (type === undefined && options.partition === undefined) {
    throw usageError("type", "which rows? Give a type, such as Order, or a --partition");
  }
  if (type !== undefined && options.partition !== undefined) {
    throw usageError("--partition", `which rows? Give the type ${type} with conditions, or --partition without a type`);
  }
  return type === undefined
    ? queryPartition(context, options, schemas, index as GsiNumber)
    : queryMessages(context, options, schemas, index as GsiNumber, type);
};

async function queryMessages(
  { output, signal }: Context,
  options: QueryOptions,
  schemas: Schemas,
  index: GsiNumber,
  type: string,
): Promise<typeof EXIT.ok> {
  const schema = findKeyed(schemas, type);
  const model = keyModel(schema);
  const { partition, sort } = model ? parseConditions(options.where, model, index) : { partition: {}, sort: {} };
  return useStore(options, async ({ opaqueStore }) => {
    const client = queryClient(schema, opaqueStore);
    return eachPage(output, options, async (pageOptions) => {
      const { items, cursor } = await client.select(index, partition, { ...sort, ...pageOptions, signal });
      for (const message of items) {
        const json = messageJson(schema, message, schemas.registry);
        await (output.json ? output.value({ message: json }) : output.line(prettyJson(json)));
      }
      return { found: items.length, cursor };
    });
  });
}

async function queryPartition(
  { output, signal }: Context,
  options: QueryOptions,
  schemas: Schemas,
  index: GsiNumber,
): Promise<typeof EXIT.ok> {
  const { partition = "", where } = options;
  if (where.length > 0)
    throw usageError("--where", "--where needs a type: name the message, and leave --partition out");
  return useStore(options, ({ opaqueStore }) =>
    eachPage(output, options, async (pageOptions) => {
      const { rows, cursor } = await opaqueStore.query({ index, partition, ...pageOptions, signal });
      for (const row of rows) await printRow(output, viewRow(schemaOf(schemas, row), row, schemas));
      return { found: rows.length, cursor };
    }),
  );
}

/** How many rows are read at once: a file is read in one go, in which no interruption is heard. */
const MAX_PAGE_SIZE = 1000;

interface PageOptions {
  readonly limit: number;
  readonly reverse: boolean;
  readonly cursor: string | undefined;
}

/** Prints pages by `printPage`, which says how many rows it found and where the next one begins, up to the limit. */
async function eachPage(
  output: Output,
  options: QueryOptions,
  printPage: (options: PageOptions) => Promise<{ readonly found: number; readonly cursor: string | undefined }>,
): Promise<typeof EXIT.ok> {
  const limit = wholeNumber(options.limit, "--limit");
  let { cursor } = options;
  let found = 0;
  do {
    const pageLimit = Math.min(MAX_PAGE_SIZE, limit - found);
    const page = await printPage({ limit: pageLimit, reverse: options.reverse === true, cursor });
    found += page.found;
    cursor = page.cursor;
  } while (cursor !== undefined && found < limit);
  if (output.json && cursor !== undefined) await output.value({ cursor });
  if (!output.json)
    output.note(`${counted(found, "row")}${cursor === undefined ? "" : `; more by --cursor ${cursor}`}`);
  return EXIT.ok;
}
