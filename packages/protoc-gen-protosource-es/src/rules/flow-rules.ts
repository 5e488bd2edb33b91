/** The rules of what a copy by name loses without a word: from a command to its events, and from an event on. */
import { type DescField, type DescMessage, isFieldSet } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { type EventModel, fieldNamed } from "protosource-es/model";
import { FieldOptionsSchema, Unset } from "protosource-es/proto/protosource_es/options/v1/options_v1_pb.js";
import type { Report } from "../diagnostic.js";
import { annotationOf, type Domain } from "../model.js";
import { listed } from "../words.js";
import { ownFields } from "./fields.js";
import { annotationText, ENDS_HERE_PATH, UNSET_PATH } from "./places.js";

/** A message whose fields go into others. */
interface Source {
  readonly schema: DescMessage;
  readonly takers: readonly DescMessage[];
  /** The event, if it is one. */
  readonly event?: EventModel;
}

export function checkFlow(domain: Domain, report: Report): void {
  const sources = [...commandSources(domain), ...eventSources(domain)];
  for (const source of sources) {
    for (const field of ownFields(source.schema)) {
      if (!isTaken(field, source)) checkLost(field, source, report);
      else if (source.event !== undefined) checkUnset(field, source.event, report);
    }
  }
  const sourceOf = new Map(sources.map((source) => [source.schema, source]));
  const retired = domain.retired.map(({ schema }) => schema);
  for (const message of domain.messages) {
    // What was right while the event was emitted may stay.
    if (retired.includes(message)) continue;
    for (const field of message.fields) checkAnnotation(field, sourceOf.get(message), report);
  }
}

function commandSources({ commands, events }: Domain): readonly Source[] {
  return commands.map(({ schema, events: names }) => ({
    schema,
    takers: events.flatMap((event) => (names.includes(event.schema.name) ? event.schema : [])),
  }));
}

/** An event of a collection has one field, which a rule of its own is for. */
function eventSources({ events, aggregate }: Domain): readonly Source[] {
  if (aggregate === undefined) return [];
  return events.flatMap((event) =>
    event.collection === undefined ? { schema: event.schema, takers: [aggregate.schema], event } : [],
  );
}

function isTaken({ name }: DescField, { takers }: Source): boolean {
  return takers.some((taker) => fieldNamed(taker, name) !== undefined);
}

function checkLost(field: DescField, { schema, takers, event }: Source, report: Report): void {
  // What names no event is reported already, and so is a message that the aggregate has under another name.
  const isReported = event !== undefined && takers.some((taker) => holds(taker, field));
  if (annotationOf(field).endsHere || takers.length === 0 || isReported) return;
  const names = listed(
    takers.map(({ name }) => name),
    "and",
  );
  const isOne = takers.length === 1;
  report(
    event === undefined ? "W5" : "W6",
    field,
    `${field.name} of ${schema.name} goes nowhere, because ${names} ${isOne ? "has" : "have"} no such field`,
    `add it to ${isOne ? names : "one of them"}, or say by "${annotationText("ends_here = true")}" that this is meant`,
  );
}

function holds(taker: DescMessage, { fieldKind, message }: DescField): boolean {
  return fieldKind === "message" && taker.fields.some((field) => field.message?.typeName === message.typeName);
}

/** A creation event finds nothing that it could clear. */
function checkUnset(field: DescField, { schema, creation }: EventModel, report: Report): void {
  if (creation || !isOptional(field) || annotationOf(field).unset !== Unset.UNSPECIFIED) return;
  report(
    "W4",
    field,
    `${field.name} of ${schema.name} is optional, and clears the aggregate's where it is unset`,
    `say by "${annotationText("unset = UNSET_KEEPS")}" that unset means unchanged, or by UNSET_CLEARS that this is meant`,
  );
}

/** Tells whether the source says that a field may be unset. */
function isOptional({ fieldKind, oneof, presence, proto }: DescField): boolean {
  const isValue = fieldKind === "scalar" || fieldKind === "enum";
  return proto.proto3Optional || (isValue && oneof === undefined && presence === FeatureSet_FieldPresence.EXPLICIT);
}

/** Reports an annotation that says nothing where it stands. */
function checkAnnotation(field: DescField, source: Source | undefined, report: Report): void {
  const annotation = annotationOf(field);
  const isCopied = source !== undefined && ownFields(source.schema).includes(field) && isTaken(field, source);
  const { unset, endsHere } = FieldOptionsSchema.field;
  if (isFieldSet(annotation, endsHere) && (source === undefined || isCopied)) {
    report(
      "F11",
      { desc: field, path: ENDS_HERE_PATH },
      `${field.name} of ${field.parent.name} has "ends_here", which is for a field of a command or an event that goes nowhere`,
      "remove it",
    );
  }
  const canBeUnset = field.presence !== FeatureSet_FieldPresence.IMPLICIT;
  if (isFieldSet(annotation, unset) && (source?.event === undefined || !isCopied || !canBeUnset)) {
    report(
      "F11",
      { desc: field, path: UNSET_PATH },
      `${field.name} of ${field.parent.name} has "unset", which is for an event's field that can be unset and that goes into the aggregate`,
      "remove it, or make the field optional",
    );
  }
}
