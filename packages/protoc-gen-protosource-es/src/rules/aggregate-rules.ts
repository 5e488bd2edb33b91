/** The rules of the aggregate, its snapshot and its projections. */
import type { DescMessage } from "@bufbuild/protobuf";
import { fieldNamed, MAX_TTL_SECONDS, typeOf } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import type { Domain } from "../model.js";
import { checkOneofs } from "./copying.js";
import { EVENT_FIELDS, type RequiredField, requireFields, shapeText } from "./fields.js";
import { rolePath } from "./places.js";

/** The fields that every aggregate has. */
export const AGGREGATE_FIELDS: readonly RequiredField[] = [
  { name: "id", type: "string" },
  { name: "version", type: "int64" },
  { name: "create_at", type: "int64" },
  { name: "create_by", type: "string" },
  { name: "modify_at", type: "int64" },
  { name: "modify_by", type: "string" },
];

export function checkAggregate(domain: Domain, report: Report): void {
  const { aggregate } = domain;
  if (aggregate === undefined) return;
  const { schema, ttlSeconds } = aggregate;
  requireFields(schema, `the aggregate ${schema.name}`, AGGREGATE_FIELDS, "A1", report);
  if (ttlSeconds < 0n || ttlSeconds > BigInt(MAX_TTL_SECONDS)) {
    report(
      "A2",
      { desc: schema, path: rolePath("aggregate", 2) },
      `${schema.name} has event_ttl_seconds: ${ttlSeconds}, which isn't between 0 and ${MAX_TTL_SECONDS}`,
      "write how many seconds a record lives, or 0 for ever",
    );
  }
  checkStateField(schema, domain, report);
}

function checkStateField(schema: DescMessage, { commands, events }: Domain, report: Report): void {
  const user =
    commands.find(({ allowedStates }) => allowedStates.length > 0) ??
    events.find(({ setsState }) => setsState !== undefined);
  const field = fieldNamed(schema, "state");
  if (user === undefined || field?.fieldKind === "enum") return;
  const what = field === undefined ? `${schema.name} has no field "state"` : `${schema.name}.state is ${typeOf(field)}`;
  report(
    "A3",
    field ?? schema,
    `${what}, and ${user.schema.name} names states`,
    `write "State state = ${field?.number ?? "…"};" with an enum State`,
  );
}

export function checkSnapshot({ aggregate, snapshots }: Domain, report: Report): void {
  for (const { schema } of snapshots) {
    requireFields(schema, `the snapshot ${schema.name}`, EVENT_FIELDS, "S1", report);
    if (aggregate === undefined) continue;
    const wanted = aggregate.schema;
    const field = fieldNamed(schema, "snapshot");
    if (field === undefined) {
      report("S2", schema, `the snapshot ${schema.name} has no field "snapshot"`, `add "${wanted.name} snapshot = 5;"`);
    } else if (shapeText(field) !== wanted.typeName) {
      report(
        "S2",
        field,
        `${schema.name}.snapshot is ${shapeText(field)}`,
        `write "${wanted.name} snapshot = ${field.number};"`,
      );
    }
  }
}

export function checkProjections({ aggregate, projections }: Domain, report: Report): void {
  if (aggregate === undefined) return;
  for (const { schema } of projections) {
    for (const field of schema.fields) {
      const source = fieldNamed(aggregate.schema, field.name);
      if (source === undefined) {
        report(
          "P1",
          field,
          `${field.name} of the projection ${schema.name} isn't a field of ${aggregate.schema.name}`,
          `remove it, or add it to ${aggregate.schema.name}`,
        );
      } else if (typeOf(source) !== typeOf(field)) {
        report(
          "P1",
          field,
          `${field.name} is ${typeOf(field)} in the projection ${schema.name} and ${typeOf(source)} in ${aggregate.schema.name}`,
          "use one type",
        );
      }
    }
    checkOneofs(aggregate.schema, schema, schema, "P2", report);
  }
}
