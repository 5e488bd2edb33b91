/** What rules say about fields. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Edition, FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { fieldNamed, typeOf } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import type { RuleId } from "./rule-ids.js";

/** A field that the framework fills in: singular, and without presence of its own. */
export interface RequiredField {
  readonly name: string;
  readonly type: "string" | "int64";
  /** Any number when there is none. */
  readonly number?: number;
}

/** The fields that every event and snapshot begins with. */
export const EVENT_FIELDS: readonly RequiredField[] = [
  { name: "id", type: "string", number: 1 },
  { name: "version", type: "int64", number: 2 },
  { name: "at", type: "int64", number: 3 },
  { name: "actor", type: "string", number: 4 },
];

const ENVELOPE: ReadonlySet<string> = new Set(EVENT_FIELDS.map(({ name }) => name));

/** The fields of a command or an event that the framework doesn't fill. */
export function ownFields(schema: DescMessage): readonly DescField[] {
  return schema.fields.filter(({ name }) => !ENVELOPE.has(name));
}

/** Reports each required field that a message lacks, or has in another shape. `what` names the message. */
export function requireFields(
  schema: DescMessage,
  what: string,
  required: readonly RequiredField[],
  rule: RuleId,
  report: Report,
): void {
  for (const { name, type, number } of required) {
    const field = fieldNamed(schema, name);
    const wanted = `"${type} ${name} = ${number ?? field?.number ?? "…"};"`;
    if (field === undefined) {
      report(rule, schema, `${what} has no field "${name}"`, `add ${wanted}`);
    } else if (typeOf(field) === type && shapeText(field) !== type && schema.file.edition !== Edition.EDITION_PROTO3) {
      const remedy = 'write "option features.field_presence = IMPLICIT;" in a file of edition 2023, or use proto3';
      report(rule, field, `${what} has "${name}" with presence of its own`, remedy);
    } else if (shapeText(field) !== type || (number !== undefined && field.number !== number)) {
      report(rule, field, `${what} has "${declaration(field)}"`, `write ${wanted}`);
    }
  }
}

/** The type of a field together with what else decides how it is used in TypeScript: presence and oneof. */
export function shapeText(field: DescField): string {
  if (field.fieldKind === "list" || field.fieldKind === "map") return typeOf(field);
  if (field.oneof !== undefined) return `${typeOf(field)} in the oneof ${field.oneof.name}`;
  if (field.fieldKind === "message" || field.presence === FeatureSet_FieldPresence.IMPLICIT) return typeOf(field);
  return `optional ${typeOf(field)}`;
}

/** A field as the source writes it, without its options. */
function declaration(field: DescField): string {
  if (field.fieldKind === "list" || field.fieldKind === "map" || field.oneof === undefined) {
    return `${shapeText(field)} ${field.name} = ${field.number};`;
  }
  return `oneof ${field.oneof.name} { ${typeOf(field)} ${field.name} = ${field.number}; }`;
}
