/** The rows of a read model, beside those that are expected. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { requireKeyModel } from "../opaquedata/auto-pksk.js";
import { keyParts } from "../opaquedata/key-fields.js";
import { misuse } from "./expectation.js";
import { diffFields, diffMessages, showMessage } from "./message-diff.js";
import type { NamedRows } from "./play.js";
import { rowName } from "./row-name.js";

/** Gives a line for each row that is missing or too many, and for each field that is given and differs. */
export function diffExpected(schema: DescMessage, actual: NamedRows, expected: object): string[] {
  return diffNamed(schema, actual, namedFields(schema, expected), (row, fields, path) =>
    diffFields(schema, row, fields, path),
  );
}

/** Gives a line for each row and field by which two outcomes differ. */
export function diffRows(schema: DescMessage, actual: NamedRows, expected: NamedRows): string[] {
  return diffNamed(schema, actual, expected, (row, other, path) =>
    diffMessages(schema, row, other, schema.fields, path),
  );
}

function diffNamed<E>(
  schema: DescMessage,
  actual: NamedRows,
  expected: ReadonlyMap<string, E>,
  diff: (row: Message, expected: E, path: string) => string[],
): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])].flatMap((name) => {
    const [row, wanted] = [actual.get(name), expected.get(name)];
    if (wanted === undefined)
      return row === undefined ? [] : [`${name}: expected no row, got ${showMessage(schema, row)}`];
    if (row === undefined) return [`${name}: expected a row, got none`];
    return diff(row, wanted, `${name}: `);
  });
}

function namedFields(schema: DescMessage, expected: object): ReadonlyMap<string, object> {
  const keys = keyParts(requireKeyModel(schema)).map(({ field }) => field.localName);
  if (!Array.isArray(expected)) {
    if (keys.length === 1) return new Map(Object.entries(expected as Readonly<Record<string, object>>));
    throw misuse(`a row of ${schema.name} is named by ${keys.join(", ")}: give a list of rows that have these fields`);
  }
  const named = new Map<string, object>();
  for (const fields of expected as readonly object[]) {
    const missing = keys.filter((key) => !Object.hasOwn(fields, key));
    if (missing.length > 0)
      throw misuse(`a row of ${schema.name} is expected without its ${missing.join(", ")}: give it`);
    const name = rowName(schema, create(schema, fields as { [name: string]: unknown }));
    if (named.has(name)) throw misuse(`the row ${name} is expected twice: give it once`);
    named.set(name, fields);
  }
  return named;
}
