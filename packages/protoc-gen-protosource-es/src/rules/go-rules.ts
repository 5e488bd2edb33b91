/** What the family's Go members do otherwise, for schemas that they share. */
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { fieldNamed, unsetKeeps } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import { annotationOf, type Domain } from "../model.js";
import { listed } from "../words.js";
import { ownFields } from "./fields.js";
import { checkPersonalForGo } from "./personal-rules.js";
import { RETIRED_PATH, rolePath, SORTS_AS_NUMBER_PATH, SPARSE_PATH, UNSET_PATH } from "./places.js";

export function checkSharedWithGo(domain: Domain, report: Report): void {
  checkEvents(domain, report);
  checkPersonalForGo(domain, report);
  const { aggregate, retired, keys } = domain;
  for (const { schema } of retired) {
    report(
      "G6",
      { desc: schema, path: RETIRED_PATH },
      `${schema.name} is retired, and Go goes on to read it by its own annotations`,
      "see that these say the same as its upcast, or let Go read no such aggregates",
    );
  }
  if (aggregate !== undefined && aggregate.ttlSeconds > 0n) {
    report(
      "G4",
      { desc: aggregate.schema, path: rolePath("aggregate", 2) },
      `${aggregate.schema.name} has event_ttl_seconds, and Go takes what is left of an expired stream for the aggregate`,
      "let Go read only aggregates whose events end together",
    );
  }
  for (const { schema } of keys) {
    for (const field of schema.fields) {
      if (annotationOf(field).sortsAsNumber) {
        report(
          "G5",
          { desc: field, path: SORTS_AS_NUMBER_PATH },
          `${field.name} of ${schema.name} has sorts_as_number, and Go writes the keys of such rows without it`,
          "remove it, or let Go write no such rows",
        );
      }
      if (annotationOf(field).sparseIndexes.length === 0) continue;
      report(
        "G3",
        { desc: field, path: SPARSE_PATH },
        `${field.name} of ${schema.name} has sparse_indexes, and the rows that Go writes are in those indexes nevertheless`,
        "expect them there, or let Go write no such rows",
      );
    }
  }
}

function checkEvents({ commands, events }: Domain, report: Report): void {
  for (const { schema } of events) {
    const emitters = commands.filter((command) => command.events.includes(schema.name));
    for (const field of ownFields(schema)) {
      const without = emitters.filter((command) => fieldNamed(command.schema, field.name) === undefined);
      if (without.length > 0 && isPlain(field)) {
        const names = listed(
          without.map((command) => command.schema.name),
          "and",
        );
        report(
          "G1",
          field,
          `${field.name} of ${schema.name} isn't in ${names}, and the code that Go's generator makes of it doesn't compile`,
          `add it to ${names} too, and fill it in a rule`,
        );
      }
      if (unsetKeeps(field)) {
        report(
          "G2",
          { desc: field, path: UNSET_PATH },
          `${field.name} of ${schema.name} keeps the aggregate's where it is unset, and Go clears it: the two compute other states`,
          "write UNSET_CLEARS, and let the command fill the field",
        );
      }
    }
  }
}

/** Tells whether a field is a value in Go, which can't be nil. */
function isPlain({ fieldKind, scalar, presence }: DescField): boolean {
  const isValue = fieldKind === "enum" || (fieldKind === "scalar" && scalar !== ScalarType.BYTES);
  return isValue && presence === FeatureSet_FieldPresence.IMPLICIT;
}
