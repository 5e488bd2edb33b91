/** Fields as the screen of the domain shows them. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isReflectMessage } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { keyModel, subjectName, typeOf } from "protosource-es/model";
import type { FieldRules, RulesReader } from "../openapi/field-rules.js";
import type { FieldInfo } from "./domain-contract.js";

/** Tells of the fields of a message. `derived` names those that only hand-written code sets. */
export function fieldInfos(
  schema: DescMessage,
  rules: RulesReader,
  derived: readonly string[] = [],
): readonly FieldInfo[] {
  const keys = keysByField(schema);
  return schema.fields.map((field) => {
    const personal = subjectName(field);
    return {
      name: field.name,
      number: field.number,
      type: typeOf(field).replaceAll(`${schema.file.proto.package}.`, ""),
      keys: keys.get(field) ?? [],
      ...(personal === undefined ? {} : { personal }),
      ...(derived.includes(field.name) ? { derived: true } : {}),
      rules: ruleTexts(rules.ofField(field)),
    };
  });
}

function keysByField(schema: DescMessage): ReadonlyMap<DescField, readonly string[]> {
  const found = new Map<DescField, string[]>();
  for (const [attribute, { parts }] of keyModel(schema)?.templates ?? []) {
    for (const { field } of parts) found.set(field, [...(found.get(field) ?? []), attribute]);
  }
  return found;
}

/** Writes rules as the source does, such as `min_len: 1`. */
function ruleTexts({ required, ofType, expressions }: FieldRules): readonly string[] {
  return [
    ...(required ? ["required"] : []),
    ...[...ofType].map(([name, value]) => (value === true ? name : `${name}: ${ruleValue(value)}`)),
    ...expressions,
  ];
}

function ruleValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(ruleValue).join(", ")}]`;
  if (value instanceof Uint8Array) return base64Encode(value);
  if (isReflectMessage(value)) {
    const set = value.fields.filter((field) => value.isSet(field));
    return `{${set.map((field) => `${field.name}: ${ruleValue(value.get(field))}`).join(", ")}}`;
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
