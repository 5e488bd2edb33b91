import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import type { AggregateMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { requireKeyModel } from "../opaquedata/auto-pksk.js";
import { keyParts } from "../opaquedata/key-fields.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import { queryClient } from "../opaquedata/query-client.js";
import type { Repository } from "../repository/repository.js";
import { project } from "../repository/stream-records.js";
import type { Call, CallAnswer } from "./calls.js";
import { checkMinVersion, type IdRequest, loadVisible, notFound } from "./load-aggregate.js";
import { keyFieldsReader } from "./request-fields.js";

/**
 * Makes the call that reads a row. Of an aggregate or a projection the request may say the version that it must show: a
 * row that is older, or doesn't tell, is computed from the events.
 */
export function getRow(
  { input, output }: DescMethod,
  queries: OpaqueStore,
  repository: Repository<AggregateTypes> | undefined,
): Call["run"] {
  const model = requireKeyModel(output);
  const client = queryClient(output, queries);
  if (model.role === "other") {
    const readKeys = keyFieldsReader(
      input,
      keyParts(model).map(({ field }) => field),
    );
    return async (request, { sees, signal }) => {
      const keys = readKeys(request);
      const message = await client.get(keys, { signal });
      if (message === undefined || sees?.(message) === false) throw notFound(output, Object.values(keys).join(", "));
      return { message };
    };
  }
  return async (request, context) => {
    const { id, minVersion } = request as IdRequest;
    const { sees, signal } = context;
    const source = minVersion > 0n ? repository : undefined;
    const row = await client.get(id, { signal, consistent: source !== undefined });
    if (source !== undefined && (versionOf(row) ?? 0n) < minVersion) {
      const aggregate = await loadVisible(source, id, context);
      checkMinVersion(aggregate, minVersion);
      return answer(rowOf(source, output, aggregate));
    }
    if (row === undefined || sees?.(row) === false) throw notFound(output, id);
    return answer(row);
  };
}

function rowOf({ aggregate }: Repository<AggregateTypes>, schema: DescMessage, state: AggregateMessage): Message {
  const isAggregate = (aggregate.schema as DescMessage).typeName === schema.typeName;
  return isAggregate ? state : project(aggregate, schema as never, state as never);
}

function answer(message: Message): CallAnswer {
  return { message, version: versionOf(message) };
}

/** The version of the aggregate that a row shows; undefined for a row that doesn't tell. */
function versionOf(row: Message | undefined): bigint | undefined {
  const { version } = (row ?? {}) as { readonly version?: unknown };
  return typeof version === "bigint" ? version : undefined;
}
