/** The rules of events. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type AggregateModel, type CollectionModel, type EventModel, fieldNamed, typeOf } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import type { Domain } from "../model.js";
import { allOf, oneOf } from "../words.js";
import { checkOneofs } from "./copying.js";
import { EVENT_FIELDS, ownFields, requireFields } from "./fields.js";
import { rolePath } from "./places.js";

export function checkEvents({ events, retired, aggregate }: Domain, report: Report): void {
  for (const { schema } of retired) requireFields(schema, `the event ${schema.name}`, EVENT_FIELDS, "E1", report);
  for (const event of events) {
    requireFields(event.schema, `the event ${event.schema.name}`, EVENT_FIELDS, "E1", report);
    if (aggregate === undefined) continue;
    checkState(event, aggregate, report);
    if (event.collection === undefined) checkCopy(event.schema, aggregate.schema, report);
    else checkCollection(event, event.collection, aggregate.schema, report);
  }
}

function checkState({ schema, setsState }: EventModel, { states }: AggregateModel, report: Report): void {
  if (setsState === undefined || states === undefined) return;
  const names = states.values.map(({ name }) => name);
  if (names.includes(setsState)) return;
  report(
    "E2",
    { desc: schema, path: rolePath("event", 2) },
    `${schema.name} sets the state "${setsState}", which isn't a value of ${states.name}`,
    `write ${oneOf(names)}`,
  );
}

/** The fields of an event go into the aggregate by name. */
function checkCopy(event: DescMessage, aggregate: DescMessage, report: Report): void {
  for (const field of ownFields(event)) {
    const target = fieldNamed(aggregate, field.name);
    if (target === undefined) {
      checkLost(field, aggregate, report);
    } else if (typeOf(field) !== typeOf(target)) {
      report(
        "E6",
        field,
        `${field.name} is ${typeOf(field)} in the event ${event.name} and ${typeOf(target)} in ${aggregate.name}`,
        "use one type, or two names",
      );
    }
  }
  checkOneofs(event, aggregate, event, "E7", report);
}

/** A field that the aggregate doesn't have is for readers of the event, but a message that it does have is a slip. */
function checkLost(field: DescField, aggregate: DescMessage, report: Report): void {
  if (field.fieldKind !== "message") return;
  const meant = aggregate.fields.filter((candidate) => typeOf(candidate) === typeOf(field));
  if (meant.length === 0) return;
  report(
    "E5",
    field,
    `${field.name} of the event ${field.parent.name} goes nowhere: ${aggregate.name} has its ${field.message.name} under another name`,
    `rename it to ${oneOf(meant.map(({ name }) => name))}`,
  );
}

function checkCollection(
  { schema, creation }: EventModel,
  collection: CollectionModel,
  aggregate: DescMessage,
  report: Report,
): void {
  const { action, keyField } = collection;
  const problem = (option: number, text: string, remedy: string): void => {
    const place = { desc: schema, path: rolePath("event", 3, option) };
    report("E3", place, `the collection of ${schema.name} ${text}`, remedy);
  };
  const element = checkTarget(collection, aggregate, (text, remedy) => problem(1, text, remedy));
  if (action === undefined) {
    problem(2, "has no action", 'write "action: COLLECTION_ACTION_ADD" or "action: COLLECTION_ACTION_REMOVE"');
  } else if (action === "remove" && creation) {
    problem(
      2,
      `removes, but ${schema.name} creates ${aggregate.name}, whose collections are empty then`,
      `remove "collection", or let a command that doesn't create emit ${schema.name}`,
    );
  }
  const key = element && fieldNamed(element, keyField);
  if (keyField === "") {
    problem(3, "has no key_field", "name the string field of the element that is its key");
  } else if (element !== undefined && key === undefined) {
    problem(3, `has the key_field "${keyField}", which isn't a field of ${element.name}`, "name one of its strings");
  } else if (key !== undefined && typeOf(key) !== "string") {
    problem(3, `has the key_field "${keyField}", which is ${typeOf(key)}`, "name a field of type string");
  }
  if (element !== undefined) checkOwnField(schema, collection, element, report);
}

/** Checks the map of a collection, and gives the type of its elements when it's right. */
function checkTarget(
  { target }: CollectionModel,
  aggregate: DescMessage,
  problem: (text: string, remedy: string) => void,
): DescMessage | undefined {
  const field = fieldNamed(aggregate, target);
  if (field !== undefined && isCollection(field)) return field.message;
  const maps = aggregate.fields.filter(isCollection);
  const remedy =
    maps.length > 0
      ? `write ${oneOf(maps.map(({ name }) => name))}`
      : `add a map<string, …> of messages to ${aggregate.name}, and name it`;
  if (target === "") problem("has no target", remedy);
  else if (field === undefined) problem(`has the target "${target}", which isn't in ${aggregate.name}`, remedy);
  else problem(`has the target "${target}", which is ${typeOf(field)}`, "make it a map<string, …> of messages");
  return undefined;
}

function isCollection(field: DescField): boolean {
  return field.fieldKind === "map" && field.mapKey === ScalarType.STRING && field.message !== undefined;
}

/** A collection event has one field beside those of every event. */
function checkOwnField(
  event: DescMessage,
  { action, keyField, target }: CollectionModel,
  element: DescMessage,
  report: Report,
): void {
  if (action === undefined || (action === "remove" && keyField === "")) return;
  const [own, ...others] = ownFields(event);
  const type = action === "add" ? element.typeName : "string";
  const isRight = own !== undefined && typeOf(own) === type && (action === "add" || own.name === keyField);
  if (isRight && others.length === 0) return;
  const found = own === undefined ? "none" : allOf([own, ...others].map(({ name }) => name));
  const [what, wanted] =
    action === "add"
      ? [`adds to ${target}, for which it takes one field, the element`, `${element.name} element = 5;`]
      : [`removes from ${target}, for which it takes one field, the key`, `string ${keyField} = 5;`];
  report(
    "E4",
    event,
    `${event.name} ${what}, beside those of every event; it has ${found}`,
    `write "${wanted}" and nothing else`,
  );
}
