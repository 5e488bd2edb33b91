import type { DescMessage } from "@bufbuild/protobuf";
import { isProtosourceError, ProtosourceError } from "protosource-es";
import { KEY_ATTRIBUTES, keyModel } from "protosource-es/model";
import { type OpaqueRow, rehydrate, rowKey } from "protosource-es/opaquedata";
import { messageJson } from "../../message-json.js";
import { findKeyed, schemaOf, viewRow } from "../../row-view.js";
import { mentionsSealed } from "../event-view.js";
import { keyFields, openRow } from "../open-row.js";
import { required } from "../query.js";
import { readableRows } from "../readable-rows.js";
import { foldOf } from "../row-fold.js";
import type { RowDetail } from "../rows-contract.js";
import type { Route } from "../studio.js";

/**
 * `row`: the row under `pk` and `sk`, of the message `type` where that is given, beside the fold of its aggregate. Price: a
 * consistent read, and the stream.
 */
export const row: Route = async (studio, query, signal): Promise<RowDetail> => {
  const { schemas, personal } = studio;
  const [pk, sk] = [required(query, "pk"), required(query, "sk")];
  const found = await readableRows(studio).get({ pk, sk }, { consistent: true, signal });
  if (found === undefined) {
    const message = `there is no row pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)}, or it has expired: query again`;
    throw new ProtosourceError("not_found", message, { aggregateId: pk, reason: "unknown" });
  }
  const type = query.get("type");
  const schema = type === null ? schemaOf(schemas, found) : findKeyed(schemas, type);
  const { json: stored, problem = strayFrom(schema, found) } = viewRow(schema, found, schemas);
  const whole =
    personal.isShown && schema && stored !== undefined
      ? messageJson(schema, await openRow(studio, schema, found, signal), schemas.registry)
      : stored;
  const { json, masked } =
    schema && whole !== undefined ? personal.show(schema, whole) : { json: whole, masked: false };
  const { version } = found;
  const fold = schema && (await foldOf(studio, { schema, version, json }, signal));
  const keys = KEY_ATTRIBUTES.filter((name) => name !== "pk" && name !== "sk" && found[name] !== "");
  return {
    ...{ pk, sk, version: version.toString(), bytes: found.body.length },
    ...(schema === undefined ? {} : { type: schema.typeName }),
    ...(found.t === 0n ? {} : { expires: (found.t * 1_000_000n).toString() }),
    keys: Object.fromEntries(keys.map((name) => [name, personal.key(schema, name, found[name])])),
    ...(json === undefined ? {} : { json }),
    ...(problem === undefined ? {} : { problem }),
    ...(masked || (!personal.isShown && json !== undefined && mentionsSealed(json)) ? { masked: true } : {}),
    ...(fold === undefined ? {} : { fold }),
  };
};

/** Tells what is wrong with a row that holds the message of another. */
function strayFrom(schema: DescMessage | undefined, row: OpaqueRow): string | undefined {
  const model = schema && keyModel(schema);
  if (schema === undefined || model === undefined) return undefined;
  try {
    const { pk, sk } = rowKey(schema, keyFields(model, rehydrate(schema, row)));
    if (pk === row.pk && sk === row.sk) return undefined;
    return `it tells of the row pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)}: look at what wrote it, and remove it`;
  } catch (error) {
    if (isProtosourceError(error)) return error.rawMessage;
    throw error;
  }
}
