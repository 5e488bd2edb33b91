/** The rules of what is said of persons: it is sealed where it is stored, so that nothing but its own message may need it. */
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { fieldNamed, hasPersonal, subjectField, subjectName } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import { type Domain, roleOf } from "../model.js";
import { AGGREGATE_FIELDS } from "./aggregate-rules.js";
import { EVENT_FIELDS, ownFields } from "./fields.js";
import { PERSONAL_PATH } from "./places.js";

export function checkPersonal(domain: Domain, report: Report): void {
  const { messages, events, projections, aggregate } = domain;
  for (const message of messages) {
    for (const field of message.fields) {
      if (subjectName(field) !== undefined) checkField(field, domain, report);
    }
  }
  if (aggregate === undefined) return;
  for (const { schema } of [...events, ...projections]) {
    for (const field of schema.fields) checkAlike(field, fieldNamed(aggregate.schema, field.name), report);
  }
  for (const { schema, collection } of events) {
    if (collection?.action !== "add") continue;
    for (const field of ownFields(schema)) checkAlike(field, fieldNamed(aggregate.schema, collection.target), report);
  }
}

function checkField(field: DescField, { keys, events }: Domain, report: Report): void {
  const { parent } = field;
  const place = { desc: field, path: PERSONAL_PATH };
  const what = `${field.name} of ${parent.name} is personal`;
  const name = subjectName(field) as string;
  const subject = subjectField(field);
  if (subject === undefined) {
    report(
      "D1",
      place,
      `${what}, and ${parent.name} has no string ${name} that says whose it is`,
      "name one in subject",
    );
  } else if (subject === field || subjectName(subject) !== undefined) {
    report(
      "D1",
      place,
      `${what}, and whose it is says ${name}, which is personal itself`,
      "name another field in subject",
    );
  }
  if (roleOf(parent) === "command") {
    report("D3", place, `${what}, and a command isn't stored`, "annotate the field in the events of the command");
  } else if (isRead(field, roleOf(parent)) || isCollectionKey(field, events)) {
    report("D3", place, `${what}, and is read where nothing is opened`, "keep what is personal in a field of its own");
  }
  const model = keys.find(({ schema }) => schema === parent);
  for (const [attribute, { parts }] of model?.templates ?? []) {
    if (!parts.some((part) => part.field === field)) continue;
    const isText = field.scalar === ScalarType.STRING && field.fieldKind === "scalar" && isPlain(field);
    if (isText && /^gsi\d+pk$/.test(attribute)) continue;
    report(
      "D2",
      place,
      `${what}, and is in its ${attribute}${isText ? ", which is read and compared" : " without being a string"}`,
      "use it in the partition key of an index alone, where it is found by equality",
    );
  }
}

/** What is sealed in one message mustn't be in the clear in the field of another that has the same value. */
function checkAlike(field: DescField, other: DescField | undefined, report: Report): void {
  if (other === undefined || subjectName(field) === subjectName(other)) return;
  const said = (one: DescField): string =>
    subjectName(one) === undefined ? "in the clear" : `personal, of ${subjectName(one)},`;
  report(
    "D4",
    field,
    `${field.name} of ${field.parent.name} is ${said(field)} and ${other.name} of ${other.parent.name} ${said(other)}`.replace(
      /,$/,
      "",
    ),
    "annotate both alike",
  );
}

/** Tells whether the framework reads a field by itself. */
function isRead({ name }: DescField, role: ReturnType<typeof roleOf>): boolean {
  if (name === "id" || name === "version") return role !== undefined;
  if (role === "event" || role === "snapshot")
    return EVENT_FIELDS.some((field) => field.name === name) || name === "snapshot";
  return role === "aggregate" && (name === "state" || AGGREGATE_FIELDS.some((field) => field.name === name));
}

/** Tells whether a field is the key of an element, or of what is removed, or holds the element itself. */
function isCollectionKey(field: DescField, events: Domain["events"]): boolean {
  return events.some(({ schema, collection }) => {
    if (collection === undefined) return false;
    const element = schema.fields.find(({ message }) => message === field.parent);
    return field.name === collection.keyField && (schema === field.parent || element !== undefined);
  });
}

function isPlain({ presence, oneof }: DescField): boolean {
  return presence === FeatureSet_FieldPresence.IMPLICIT && oneof === undefined;
}

/** What the family's Go members do otherwise: they copy fields by name, and what is sealed has none. */
export function checkPersonalForGo({ aggregate }: Domain, report: Report): void {
  if (aggregate === undefined || !hasPersonal(aggregate.schema)) return;
  report(
    "G7",
    aggregate.schema,
    `${aggregate.schema.name} has personal fields, which Go reads as empty, and loses in the snapshots and rows that it writes`,
    "let no Go service write to it",
  );
}
