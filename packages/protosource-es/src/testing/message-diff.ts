/** Where two messages of one type differ, field by field, in the names and values that a test writes. */
import {
  create,
  type DescField,
  type DescMessage,
  isMessage,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { fieldReader } from "../aggregate/fields.js";

/** Gives one line for each field that differs; all fields by default. */
export function diffMessages(
  schema: DescMessage,
  actual: Message,
  expected: Message,
  fields: readonly DescField[] = schema.fields,
  path = "",
): string[] {
  return fields.flatMap((field) => {
    const read = fieldReader(field);
    return diffField(field, read(actual), read(expected), `${path}${field.localName}`);
  });
}

/** Gives one line for each field that is given and differs. */
export function diffFields(schema: DescMessage, actual: Message, fields: object, path = ""): string[] {
  const expected = create(schema, fields as { [name: string]: unknown });
  const given = schema.fields.filter((field) => Object.hasOwn(fields, (field.oneof ?? field).localName));
  return diffMessages(schema, actual, expected, given, path);
}

/** Shows a message on one line: its name, and the fields that are set. */
export function showMessage(schema: DescMessage, message: Message): string {
  return `${schema.name} ${JSON.stringify(toJson(schema, message))}`;
}

function diffField(field: DescField, actual: unknown, expected: unknown, path: string): string[] {
  switch (field.fieldKind) {
    case "list": {
      const [a, b] = [actual as unknown[], expected as unknown[]];
      return Array.from({ length: Math.max(a.length, b.length) }).flatMap((_, i) =>
        diffValue(field, a[i], b[i], `${path}[${i}]`),
      );
    }
    case "map": {
      const [a, b] = [actual as { [key: string]: unknown }, expected as { [key: string]: unknown }];
      return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
        diffValue(field, ownValue(a, key), ownValue(b, key), `${path}[${JSON.stringify(key)}]`),
      );
    }
    default:
      return diffValue(field, actual, expected, path);
  }
}

function diffValue(field: DescField, actual: unknown, expected: unknown, path: string): string[] {
  if (isMessage(actual, field.message) && isMessage(expected, field.message) && field.message !== undefined) {
    return diffMessages(field.message, actual, expected, field.message.fields, `${path}.`);
  }
  const [got, wanted] = [showValue(field, actual), showValue(field, expected)];
  return got === wanted ? [] : [`${path}: expected ${wanted}, got ${got}`];
}

/** Values that differ look different. */
function showValue(field: DescField, value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (field.enum !== undefined) return field.enum.value[value as number]?.name ?? String(value);
  if (field.scalar === ScalarType.BYTES) return `bytes ${Array.from(value as Uint8Array).join(" ")}`;
  if (field.message !== undefined && isMessage(value)) return showMessage(field.message, value);
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

function ownValue(map: { readonly [key: string]: unknown }, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
