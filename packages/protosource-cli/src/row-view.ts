/** Rows as they are shown. */
import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { isProtosourceError } from "protosource-es";
import { keyModel } from "protosource-es/model";
import { type OpaqueRow, rehydrate } from "protosource-es/opaquedata";
import { usageError } from "./failure.js";
import { messageJson } from "./message-json.js";
import type { Schemas } from "./schemas.js";

/** A row, and its message as far as it can be read. */
export interface RowView {
  readonly row: OpaqueRow;
  readonly json: JsonValue | undefined;
  readonly problem: string | undefined;
}

/**
 * Finds a message that is kept in rows, by its name or its full name.
 *
 * Throws `invalid_argument` when there is none, or several.
 */
export function findKeyed(schemas: Schemas, name: string): DescMessage {
  const keyed = keyedMessages(schemas);
  const found = keyed.filter((schema) => schema.typeName === name || schema.name === name);
  const [only, another] = found.some(({ typeName }) => typeName === name)
    ? found.filter(({ typeName }) => typeName === name)
    : found;
  if (only && !another) return only;
  if ([...schemas.registry].every(({ kind }) => kind !== "message"))
    throw usageError("type", `nothing is known of ${name}: add --descriptors image.binpb, or --domain`);
  const names = (another ? found : keyed).map(({ typeName }) => typeName).join(", ") || "none";
  throw usageError(
    "type",
    another
      ? `${name} may be one of ${names}: give the full name`
      : `no row holds a ${name}: there are rows of ${names}`,
  );
}

/** Gives the messages that are kept in rows. */
export function keyedMessages({ registry }: Schemas): readonly DescMessage[] {
  return [...registry].filter((type): type is DescMessage => type.kind === "message" && isKeyed(type));
}

/** What isn't ours may lie under the numbers of our annotations, and can't be read then. */
function isKeyed(schema: DescMessage): boolean {
  try {
    return keyModel(schema)?.templates.has("pk") === true;
  } catch {
    return false;
  }
}

/** Reads the message of a row. */
export function viewRow(schema: DescMessage | undefined, row: OpaqueRow, { registry }: Schemas): RowView {
  if (schema === undefined) return { row, json: undefined, problem: undefined };
  try {
    return { row, json: messageJson(schema, rehydrate(schema, row), registry), problem: undefined };
  } catch (error) {
    if (!isProtosourceError(error, "corrupt_record")) throw error;
    return { row, json: undefined, problem: error.rawMessage };
  }
}

/** Finds the message that a row holds by its keys; undefined when nothing is known of it. */
export function schemaOf({ aggregates }: Schemas, { pk, sk }: OpaqueRow): DescMessage | undefined {
  for (const { definition } of aggregates) {
    const { schema, model } = definition;
    const prefix = keyModel(schema)?.templates.get("pk")?.prefix;
    if (prefix === undefined || !pk.startsWith(`${prefix}#`)) continue;
    if (sk === "AGG") return schema;
    return model.projections.find((projection) => sk === `PROJ#${projection.schema.name}`)?.schema;
  }
  return undefined;
}
