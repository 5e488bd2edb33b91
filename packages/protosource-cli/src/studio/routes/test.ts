import type { Message } from "@bufbuild/protobuf";
import type { StoredRecord } from "protosource-es";
import { usageError } from "../../failure.js";
import { parseMoment } from "../../moment.js";
import type { Payload } from "../../payload.js";
import { followState } from "../../state-follower.js";
import type { CopiedTest } from "../contract.js";
import { problemText } from "../event-view.js";
import { eventsUntil } from "../events-until.js";
import { knownOf } from "../known-of.js";
import { messageLiteral } from "../message-literal.js";
import { required } from "../query.js";
import type { Route } from "../studio.js";

/** What `given` fills in, of events and of the state. */
const ENVELOPE: readonly string[] = ["id", "version", "at", "actor"];
const STAMPS: readonly string[] = ["id", "version", "create_at", "create_by", "modify_at", "modify_by"];

/** A test with more of a past than this is read by nobody. */
const MAX_EVENTS = 1_000;

/**
 * `test`: the events of the stream `id` up to a version, and the state that they come to, as a test in TypeScript. What is
 * masked or sealed is left out, and so are snapshots. Throws `invalid_argument` for more than 1,000 events, and where they aren't all
 * there, readable and of the aggregate.
 */
export const test: Route = async (studio, query, signal): Promise<CopiedTest> => {
  const { schemas, personal } = studio;
  const id = required(query, "id");
  const known = knownOf(schemas, id);
  const { schema, model } = known.definition;
  const moment = parseMoment(required(query, "at"), "at");
  const name = lowerFirst(schema.name);
  const snapshots = model.snapshots.map(({ schema }) => schema.typeName);
  const events = [...model.events, ...model.retired].map(({ schema }) => schema.typeName);
  const follower = followState(known);
  const lines: string[] = [];
  let last = 0n;
  const add = (record: StoredRecord, payload: Payload): void => {
    const { event } = payload;
    if (record.version !== ++last) throw usageError("at", `version ${last} isn't there: a test needs all events`);
    if (event === undefined) throw usageError("at", `${problemText(payload, personal)}: take a version before it`);
    follower.next(record, event.message);
    const { typeName, name: type } = event.schema;
    if (snapshots.includes(typeName)) return;
    if (!events.includes(typeName))
      throw usageError("at", `version ${last} is a ${type}, which is no event of ${schema.name}: take one before it`);
    lines.push(`  ${name}Events.${type}(${messageLiteral(event.schema, event.message, personal.hides, ENVELOPE)}),`);
    if (lines.length > MAX_EVENTS)
      throw usageError("at", `a test of more than ${MAX_EVENTS} events is too long: take an earlier version`);
  };
  for await (const { scanned, payload } of eventsUntil(studio, { id, moment, opens: personal.isShown }, signal)) {
    add(scanned.record, payload);
  }
  const state: Message | undefined = follower.state();
  const expected = state === undefined ? "{}" : messageLiteral(schema, state, personal.hides, STAMPS);
  return { text: [`given(${name}, [`, ...lines, `]).then(${expected});`, ""].join("\n") };
};

/** Names things as the generated code does: `httpCall` of HTTPCall. */
function lowerFirst(name: string): string {
  return name.replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (capitals) => capitals.toLowerCase());
}
