/** What becomes of stored messages when their fields and enums change. */
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { typeOf } from "../aggregate/fields.js";
import { fieldNamed } from "../aggregate/file-model.js";
import { subjectName } from "../personal/personal-plan.js";
import type { Note } from "./schema-change.js";

/** What holds a message: a stream, which nothing can write anew, or a row, which `remedy` makes anew. */
export type Holder = { readonly kind: "stream" } | { readonly kind: "row"; readonly remedy: string };

/** Compares two messages with all that they hold. */
export type CompareMessages = (was: DescMessage, now: DescMessage, holder: Holder) => void;

/** Makes the comparison of messages. It goes through each pair once, so compare what streams hold before what rows hold. */
export function createCompareMessages(note: Note): CompareMessages {
  const seen = new Map<DescMessage | DescEnum, Set<DescMessage | DescEnum>>();
  const isNew = (was: DescMessage | DescEnum, now: DescMessage | DescEnum): boolean => {
    const met = seen.get(was) ?? new Set();
    seen.set(was, met);
    return met.size < met.add(now).size;
  };
  const compare: CompareMessages = (was, now, holder) => {
    if (!isNew(was, now)) return;
    for (const field of was.fields) {
      const same = now.fields.find(({ number }) => number === field.number);
      if (same === undefined) compareLost(field, now, holder, note);
      else {
        compareFields(field, same, holder, note);
        if (field.message && same.message) compare(field.message, same.message, holder);
        if (field.enum && same.enum && isNew(field.enum, same.enum)) compareEnums(field.enum, same.enum, holder, note);
      }
    }
  };
  return compare;
}

function compareLost(field: DescField, now: DescMessage, holder: Holder, note: Note): void {
  const { number } = field;
  const renumbered = fieldNamed(now, field.name);
  if (holder.kind === "row") {
    const problem = renumbered ? `has the number ${renumbered.number} instead of ${number}` : "is gone";
    note(
      "ROW_CHANGED",
      field,
      renumbered ?? now,
      `${nameOf(field)} ${problem}, and rows hold it as it was`,
      holder.remedy,
    );
  } else if (renumbered) {
    note(
      "FIELD_RENUMBERED",
      field,
      renumbered,
      `${nameOf(field)} has the number ${renumbered.number} instead of ${number}, under which it is stored`,
      `give it the number ${number} again`,
    );
  } else {
    note(
      "FIELD_REMOVED",
      field,
      now,
      `${nameOf(field)} is gone: what is stored in it is lost to the program, and with the JSON serializer what holds it can't be read`,
      "put it back; what nothing fills any more may stay empty",
    );
  }
}

function compareFields(was: DescField, now: DescField, holder: Holder, note: Note): void {
  const change = typeChange(was, now);
  if (change !== "same") {
    const types = `${nameOf(was)} is ${typeOf(now)} instead of ${typeOf(was)}`;
    if (change === "wider") {
      note("FIELD_WIDENED", was, now, `${types}, which holds every stored value`, "nothing has to be done");
    } else if (holder.kind === "row") {
      note("ROW_CHANGED", was, now, `${types}, and rows hold it as it was`, holder.remedy);
    } else {
      const remedy = "give it its type back, and add a field with a new number for the other one";
      note("FIELD_TYPE", was, now, `${types}, in which what is stored can't be read`, remedy);
    }
  }
  comparePersons(was, now, note);
  if (holder.kind === "row") return;
  comparePresence(was, now, note);
  if (was.jsonName !== now.jsonName) {
    note(
      "JSON_NAME",
      was,
      now,
      `${nameOf(was)} is "${now.jsonName}" in JSON instead of "${was.jsonName}": events that the JSON serializer wrote can't be read`,
      `where it is in use, keep the name by json_name = "${was.jsonName}"`,
    );
  }
}

function comparePersons(was: DescField, now: DescField, note: Note): void {
  const [before, after] = [subjectName(was), subjectName(now)];
  if (before === after) return;
  const problem =
    after === undefined
      ? "isn't personal any more: what is stored of it stays sealed"
      : before === undefined
        ? "is personal: what is stored of it stays in the clear, also when the person is forgotten"
        : `is of the person that ${after} names: what is stored stays that of ${before}`;
  note("PERSONAL", was, now, `${nameOf(was)} ${problem}`, "add a field with a new number for it instead");
}

function comparePresence(was: DescField, now: DescField, note: Note): void {
  if (was.oneof?.name !== now.oneof?.name) {
    const [before, after] = [was, now].map(({ oneof }) => (oneof ? `in the oneof ${oneof.name}` : "in no oneof"));
    note(
      "FIELD_ONEOF",
      was,
      now,
      `${nameOf(was)} is ${after} instead of ${before}: of several that are stored together one alone counts`,
      "add a field with a new number instead",
    );
    return;
  }
  const [before, after] = [was, now].map(canBeUnset);
  if (before === after || was.fieldKind !== now.fieldKind) return;
  const problem = after
    ? "can be unset: where a zero was meant nothing is stored, which is unset from now on"
    : "can't be unset any more: what was unset is zero from now on";
  note("FIELD_PRESENCE", was, now, `${nameOf(was)} ${problem}`, "leave it, or add a field with a new number instead");
}

function canBeUnset({ presence }: DescField): boolean {
  return presence !== FeatureSet_FieldPresence.IMPLICIT;
}

function compareEnums(was: DescEnum, now: DescEnum, holder: Holder, note: Note): void {
  for (const value of was.values) {
    const { name, number } = value;
    const sameName = now.values.find((other) => other.name === name);
    const sameNumber = now.values.filter((other) => other.number === number);
    if (sameName?.number === number) continue;
    if (holder.kind === "row") {
      // Rows hold numbers; where their keys hold names, the keys are compared.
      const problem = `${name} isn't the number ${number} any more, which rows hold`;
      if (sameName) note("ROW_CHANGED", value, sameName, problem, holder.remedy);
    } else if (sameName) {
      note(
        "ENUM_VALUE_RENUMBERED",
        value,
        sameName,
        `${name} has the number ${sameName.number} instead of ${number}, under which it is stored`,
        `give it the number ${number} again`,
      );
    } else if (sameNumber[0]) {
      note(
        "JSON_NAME",
        value,
        sameNumber[0],
        `${name} is called ${sameNumber[0].name}: events that the JSON serializer wrote can't be read`,
        "where it is in use, keep the name",
      );
    } else {
      note(
        "ENUM_VALUE_REMOVED",
        value,
        now,
        `${name} is gone: where it is stored, a program sees the number ${number}`,
        "put it back; what nothing sets any more may stay",
      );
    }
  }
}

/** Scalars that hold each value of another, in binary and in JSON. */
const WIDER = new Map<ScalarType, readonly ScalarType[]>([
  [ScalarType.INT32, [ScalarType.INT64]],
  [ScalarType.UINT32, [ScalarType.UINT64, ScalarType.INT64]],
  [ScalarType.SINT32, [ScalarType.SINT64]],
]);

/** Messages and enums are compared by what they hold: no stored message has their names. */
function typeChange(was: DescField, now: DescField): "same" | "wider" | "other" {
  if (shapeOf(was) !== shapeOf(now)) return "other";
  if (was.scalar === undefined || now.scalar === undefined || was.scalar === now.scalar) return "same";
  return WIDER.get(was.scalar)?.includes(now.scalar) ? "wider" : "other";
}

/** What a field is apart from the type of its values. */
function shapeOf(field: DescField): string {
  const values = field.message ? "message" : field.enum ? "enum" : "scalar";
  const keys = field.fieldKind === "map" ? field.mapKey : "";
  const isDelimited = "delimitedEncoding" in field && field.delimitedEncoding;
  return [field.fieldKind, values, keys, isDelimited].join();
}

function nameOf(field: DescField): string {
  return `${field.name} of ${field.parent.name}`;
}
