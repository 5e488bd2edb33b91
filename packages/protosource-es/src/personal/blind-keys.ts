/** Personal fields in the keys of indexes, where an HMAC stands for their values. */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { keyModel } from "../opaquedata/key-model.js";
import { fieldValue, setField } from "./messages-within.js";
import { subjectName } from "./personal-plan.js";
import { shallowCopy } from "./sealing.js";

/** Gives what stands for a value, by the name of what it is a value of. */
type Blind = (name: string, value: string) => string;

const known = new WeakMap<DescMessage, readonly DescField[]>();

/** Gives the personal fields of a message that are in its keys. */
export function blindFields(schema: DescMessage): readonly DescField[] {
  let fields = known.get(schema);
  if (fields === undefined) {
    const parts = [...(keyModel(schema)?.templates.values() ?? [])].flatMap((template) => template.parts);
    fields = [...new Set(parts.map(({ field }) => field))].filter((field) => subjectName(field) !== undefined);
    known.set(schema, fields);
  }
  return fields;
}

/** Gives what stands for the value of a field in keys. An empty one stands for itself. */
export function blindValue(blind: Blind, field: DescField, value: unknown): unknown {
  if (subjectName(field) === undefined || value === "") return value;
  return blind(`${field.parent.typeName}.${field.name}`, String(value));
}

/** Makes the message that keys are made of: each personal field that is in one has what stands for its value. */
export function blindMessage(blind: Blind, schema: DescMessage, message: Message): Message {
  const fields = blindFields(schema);
  if (fields.length === 0) return message;
  const copy = shallowCopy(message);
  for (const field of fields) setField(copy, field, blindValue(blind, field, fieldValue(message, field)));
  return copy;
}
