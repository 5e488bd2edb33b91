import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { usageError } from "../../failure.js";
import { parseMoment } from "../../moment.js";
import { readPayload } from "../../payload.js";
import { recordPages } from "../../scanning.js";
import type { CopiedTest } from "../contract.js";
import { envelopeOf } from "../event-view.js";
import { knownOf } from "../known-of.js";
import { required } from "../query.js";
import type { Route } from "../studio.js";

/** What `given` fills in. */
const ENVELOPE: readonly string[] = ["id", "version", "at", "actor"];

/** A test with more of a past than this is read by nobody. */
const MAX_EVENTS = 1_000;

/**
 * `test`: the events of the stream `id` up to a version, as the beginning of a test in TypeScript. What is sealed is left
 * out, and so are snapshots. Throws `invalid_argument` for more than 1,000 events, and for one that can't be read.
 */
export const test: Route = async ({ store, schemas }, query, signal): Promise<CopiedTest> => {
  const id = required(query, "id");
  const { definition } = knownOf(schemas, id);
  const moment = parseMoment(required(query, "at"), "at");
  const name = definition.schema.name.charAt(0).toLowerCase() + definition.schema.name.slice(1);
  const snapshots = definition.model.snapshots.map(({ schema }) => schema.typeName);
  const lines: string[] = [];
  const take = async (): Promise<void> => {
    for await (const { records } of recordPages(store, { aggregateId: id, signal })) {
      for (const { record } of records) {
        const payload = readPayload(id, record, schemas);
        if (moment.isPast(record, envelopeOf(payload).at)) return;
        const { event, problem } = payload;
        if (event === undefined) throw usageError("at", `${problem?.message}: take a version before it`);
        if (snapshots.includes(event.schema.typeName)) continue;
        lines.push(`  ${name}Events.${event.schema.name}(${fieldsOf(event.schema, event.message)}),`);
        if (lines.length > MAX_EVENTS)
          throw usageError("at", `a test of more than ${MAX_EVENTS} events is too long: take an earlier version`);
      }
    }
  };
  await take();
  const text = [`await given(${name}, [`, ...lines, "])", `  .when(${name}Commands.…({}))`, "  .then([]);", ""].join(
    "\n",
  );
  return { text };
};

function fieldsOf(schema: DescMessage, message: Message): string {
  return literal(reflect(schema, message), ENVELOPE);
}

/** Writes a message as what `create` takes. */
function literal(message: ReflectMessage, without: readonly string[] = []): string {
  const fields = message.fields
    .filter((field) => !without.includes(field.name) && message.isSet(field))
    .map((field) => `${field.localName}: ${valueText(field, message)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

function valueText(field: DescField, message: ReflectMessage): string {
  const value: unknown = message.get(field);
  if (field.fieldKind === "list") return `[${Array.from(value as Iterable<unknown>, scalarText).join(", ")}]`;
  if (field.fieldKind === "map") {
    const entries = Array.from(value as Iterable<readonly [unknown, unknown]>);
    return `{ ${entries.map(([key, one]) => `${JSON.stringify(String(key))}: ${scalarText(one)}`).join(", ")} }`;
  }
  return scalarText(value);
}

function scalarText(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `Buffer.from("${base64Encode(value)}", "base64")`;
  if (typeof value === "object" && value !== null && "desc" in value) return literal(value as ReflectMessage);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
