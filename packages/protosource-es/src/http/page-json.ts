import type { DescMessage, JsonValue, MessageShape } from "@bufbuild/protobuf";
import { invalid } from "../errors.js";
import type { Page } from "../opaquedata/query-options.js";
import { isObject } from "../serializer/exact-json.js";
import { fromJson, type JsonOptions, toJson } from "./edge-json.js";

/** A page as JSON, as the handler answers it. */
export interface PageJson {
  readonly items: readonly JsonValue[];
  readonly nextPageToken?: string;
}

/** Gives a page of rows as JSON. Throws what `toJson` throws. */
export function pageToJson<D extends DescMessage>(
  schema: D,
  { items, cursor }: Page<MessageShape<D>>,
  options: JsonOptions = {},
): PageJson {
  return {
    items: items.map((item) => toJson(schema, item, options)),
    ...(cursor !== undefined && { nextPageToken: cursor }),
  };
}

/** Reads what `pageToJson` gives, and what the handler answers. Throws what `fromJson` throws. */
export function pageFromJson<D extends DescMessage>(
  schema: D,
  json: JsonValue,
  options: JsonOptions = {},
): Page<MessageShape<D>> {
  const { items = [], nextPageToken = "" } = isObject(json) ? json : { items: null };
  if (!Array.isArray(items) || typeof nextPageToken !== "string") {
    throw invalid("json", `this is no page of ${schema.name}: give its items and its nextPageToken`);
  }
  return {
    items: items.map((item) => fromJson(schema, item, options)),
    ...(nextPageToken !== "" && { cursor: nextPageToken }),
  };
}
