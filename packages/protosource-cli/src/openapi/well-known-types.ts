import type { JsonSchema } from "./json-schema.js";

const integer32: JsonSchema = { type: "integer", format: "int32" };
const integer64: JsonSchema = { type: "string", format: "int64", pattern: "^-?\\d{1,19}$" };
const unsigned64: JsonSchema = { type: "string", format: "uint64", pattern: "^\\d{1,20}$" };
const floating: JsonSchema = { anyOf: [{ type: "number" }, { enum: ["NaN", "Infinity", "-Infinity"] }] };

/** The schemas of scalars, by the names of their types. */
export const SCALARS: { readonly [type: string]: JsonSchema } = {
  string: { type: "string" },
  bool: { type: "boolean" },
  bytes: { type: "string", contentEncoding: "base64" },
  double: floating,
  float: floating,
  int32: integer32,
  sint32: integer32,
  sfixed32: integer32,
  uint32: { type: "integer", minimum: 0 },
  fixed32: { type: "integer", minimum: 0 },
  int64: integer64,
  sint64: integer64,
  sfixed64: integer64,
  uint64: unsigned64,
  fixed64: unsigned64,
};

/** The schemas of the messages that have a JSON of their own, by their names. */
export const WELL_KNOWN: { readonly [typeName: string]: JsonSchema } = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
  "google.protobuf.Duration": { type: "string", pattern: "^-?\\d+(\\.\\d{1,9})?s$" },
  "google.protobuf.FieldMask": { type: "string" },
  "google.protobuf.Empty": { type: "object" },
  "google.protobuf.Struct": { type: "object" },
  "google.protobuf.ListValue": { type: "array" },
  "google.protobuf.Value": {},
  "google.protobuf.Any": { type: "object", properties: { "@type": { type: "string" } }, required: ["@type"] },
  "google.protobuf.StringValue": { type: "string" },
  "google.protobuf.BytesValue": { type: "string", contentEncoding: "base64" },
  "google.protobuf.BoolValue": { type: "boolean" },
  "google.protobuf.DoubleValue": floating,
  "google.protobuf.FloatValue": floating,
  "google.protobuf.Int32Value": integer32,
  "google.protobuf.UInt32Value": { type: "integer", minimum: 0 },
  "google.protobuf.Int64Value": integer64,
  "google.protobuf.UInt64Value": unsigned64,
};
