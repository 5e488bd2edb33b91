import { fromJsonString, type JsonValue, type Message } from "@bufbuild/protobuf";
import { type AggregateTypes, commandSchema, decide, isProtosourceError, type Outcome } from "protosource-es";
import { usageError } from "../../failure.js";
import { shortName } from "../../format.js";
import { jsonDiff } from "../../json-diff.js";
import { messageJson } from "../../message-json.js";
import { type KnownAggregate, type Schemas, streamPrefix } from "../../schemas.js";
import type { Decided } from "../contract.js";
import { knownOf } from "../known-of.js";
import type { PersonalView } from "../personal-view.js";
import { required } from "../query.js";
import { asShown } from "../shown-change.js";
import { stateMessage } from "../state-message.js";
import type { Route } from "../studio.js";

/**
 * `what-if`: what a `command` with some `fields`, as JSON, would come to on the state of the stream `id` at a version. It is
 * decided as a repository decides it, with personal fields opened where there are keys, and nothing is stored. What the
 * rules refuse is an answer, no error.
 */
export const whatIf: Route = async (studio, query, signal): Promise<Decided> => {
  const id = required(query, "id");
  const { schemas, personal, checksFields = true } = studio;
  const known = knownOf(schemas, id);
  const command = commandIn(known, schemas, id, query);
  const { state, sealed } = await stateMessage(studio, known, id, required(query, "at"), signal);
  const { definition, hasRules } = known;
  const show = (message: Message): JsonValue => {
    const schema = schemas.registry.getMessage(message.$typeName) ?? definition.schema;
    return personal.show(schema, messageJson(schema, message, schemas.registry)).json;
  };
  const before = show(state);
  const unchecked = checksFields ? {} : ({ fieldsUnchecked: true } as const);
  const judged = { hasRules, ...unchecked, ...(sealed ? { sealed } : {}) };
  let outcome: Outcome<AggregateTypes>;
  try {
    outcome = await decide(definition, state, command as never, { now: BigInt(Date.now()) * 1000n, signal });
  } catch (error) {
    return { ...judged, events: [], changes: [], refusal: refusalOf(error, personal) };
  }
  const events = outcome.stored as readonly Message[];
  return {
    ...judged,
    events: events.map((event) => ({ type: shortName(event.$typeName), json: show(event) })),
    changes: jsonDiff(before, show(outcome.aggregate)).map(asShown),
  };
};

/** Makes the command that is asked for. Throws `invalid_argument`. */
function commandIn({ definition }: KnownAggregate, { registry }: Schemas, id: string, query: URLSearchParams): Message {
  const name = required(query, "command");
  const schema = commandSchema(definition, name);
  if (schema === undefined) {
    const names = definition.model.commands.map(({ schema }) => schema.name).join(", ");
    throw usageError("command", `${definition.schema.name} has no command ${name}: it has ${names}`);
  }
  try {
    const command = fromJsonString(schema, query.get("fields") || "{}", { registry });
    return Object.assign(command, { id: id.slice(streamPrefix(definition).length), actor: "studio" });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError("fields", `the fields are no ${name} (${reason}): mend them`, cause);
  }
}

function refusalOf(error: unknown, personal: PersonalView): NonNullable<Decided["refusal"]> {
  if (isProtosourceError(error)) return { code: error.code, message: error.rawMessage };
  return error instanceof Error
    ? { code: error.name, message: personal.quote(error.message) }
    : { code: "thrown", message: personal.quote(String(error)) };
}
