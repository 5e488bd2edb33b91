/** `aggregates get`: one row. */
import { ProtosourceError } from "protosource-es";
import { type OpaqueKey, rowKey } from "protosource-es/opaquedata";
import { type Action, type SchemaOptions, useStore } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { loadSchemas } from "../load-schemas.js";
import { printRow } from "../print-row.js";
import { findKeyed, schemaOf, viewRow } from "../row-view.js";

export interface GetOptions extends SchemaOptions {
  readonly pk?: string;
  readonly sk?: string;
}

export const getAggregate: Action<GetOptions> = async ({ output, signal }, options, type, id) => {
  if (id !== undefined && (options.pk !== undefined || options.sk !== undefined)) {
    throw usageError("--pk", `which row? Give the id ${id}, or --pk and --sk`);
  }
  const schemas = await loadSchemas(options);
  const schema = type === undefined ? undefined : findKeyed(schemas, type);
  const key = schema && id !== undefined ? rowKey(schema, id) : keyIn(options);
  return useStore(options, async ({ opaqueStore }) => {
    const row = await opaqueStore.get(key, { consistent: true, signal });
    if (row === undefined) {
      const message = `there is no row pk=${JSON.stringify(key.pk)}, sk=${JSON.stringify(key.sk)}, or it has expired`;
      throw new ProtosourceError("not_found", message, { aggregateId: id ?? key.pk, reason: "unknown" });
    }
    const view = viewRow(schema ?? schemaOf(schemas, row), row, schemas);
    await printRow(output, view);
    return view.problem === undefined ? EXIT.ok : EXIT.found;
  });
};

function keyIn({ pk, sk }: GetOptions): OpaqueKey {
  if (pk !== undefined && sk !== undefined) return { pk, sk };
  throw usageError("type", "which row? Give a type and an id, such as Order o-1, or --pk and --sk");
}
