/** The rules of keys: those of the key model of protosource-es, and what only generated code needs. */
import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { KEY_ATTRIBUTES, type KeyModel, type KeyProblem, typeOf } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import { annotationOf, type Domain, isInKey } from "../model.js";
import { KEYS_PATH, SORTS_AS_NUMBER_PATH, SPARSE_PATH } from "./places.js";
import type { RuleId } from "./rule-ids.js";

/** The rule that each problem of a key model breaks; undefined where another rule says it better. */
const RULE_OF_PROBLEM: Readonly<Record<KeyProblem["rule"], RuleId | undefined>> = {
  given_key: "O1",
  no_partition_key: "O2",
  negative_order: "O3",
  missing_order: "O4",
  duplicate_order: "O5",
  sort_without_partition: "O6",
  field_type: "O8",
  unknown_key: "O9",
  unknown_index: "O10",
  not_a_number: "O11",
  partition_without_sort: "W1",
  no_id: undefined,
  no_aggregate: undefined,
  reserved_name: undefined,
};

/** Where a rule looks that isn't about a key annotation. */
const PATH_OF_RULE: Readonly<Partial<Record<RuleId, readonly number[]>>> = {
  O10: SPARSE_PATH,
  O11: SORTS_AS_NUMBER_PATH,
};

export function checkKeys({ messages, keys }: Domain, report: Report): void {
  for (const model of keys) {
    for (const { rule, message, field } of model.problems) {
      const id = RULE_OF_PROBLEM[rule];
      if (id === undefined) continue;
      const { name } = model.schema;
      const remedy =
        id === "W1"
          ? 'annotate the field to sort by too, or where no order is needed give the plugin "ignore_warnings=W1"'
          : undefined;
      if (field === undefined) report(id, model.schema, `${name}: ${message}`, remedy);
      else
        report(id, { desc: field, path: PATH_OF_RULE[id] ?? KEYS_PATH }, `${name}.${field.name}: ${message}`, remedy);
    }
    checkParts(model, report);
  }
  for (const schema of messages) {
    checkOrdered(schema, report);
    if (schema.name === "Hydrate" || KEY_ATTRIBUTES.some((key) => key.toUpperCase() === schema.name)) {
      report(
        "O7",
        schema,
        `the message ${schema.name} has the name of a function that the family's Go members generate`,
        "rename it",
      );
    }
  }
}

/** Checks that a field that sorts as a number is in a key. Whether it is a number is a matter of the key. */
function checkOrdered(schema: DescMessage, report: Report): void {
  for (const field of schema.fields) {
    if (!annotationOf(field).sortsAsNumber || isInKey(field)) continue;
    report(
      "O11",
      { desc: field, path: SORTS_AS_NUMBER_PATH },
      `${schema.name}.${field.name}: sorts_as_number says how a key holds the field, and it is in none`,
      "remove it, or annotate the field with the key to sort by",
    );
  }
}

/** Checks each field that is in a key. */
function checkParts({ schema, role, templates }: KeyModel, report: Report): void {
  const seen = new Set<string>();
  for (const [attribute, { parts }] of templates) {
    for (const { field } of parts) {
      const place = { desc: field, path: KEYS_PATH };
      const what = `${schema.name}.${field.name}: ${attribute}`;
      if (seen.has(what)) {
        report("O9", place, `${what}: the field is in this key twice`, "remove one of its annotations");
      } else if (role !== "other" && (field.fieldKind === "list" || field.scalar === ScalarType.BYTES)) {
        report(
          "O8",
          place,
          `${what}: a field of type ${typeOf(field)} can't be part of a key of an aggregate or a projection`,
          "annotate a string, a number, a bool or an enum",
        );
      }
      seen.add(what);
    }
  }
}
