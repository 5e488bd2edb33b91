import type { JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
import { messageJson } from "./message-json.js";
import type { KnownAggregate, Schemas } from "./schemas.js";
import type { StateFollower } from "./state-follower.js";

/** Gives the state that a follower has come to as JSON, with its sealed fields named; undefined where it isn't known. */
export function stateJson(
  follower: Pick<StateFollower, "state" | "sealed">,
  { definition }: KnownAggregate,
  { registry }: Pick<Schemas, "registry">,
): JsonValue | undefined {
  const state: Message | undefined = follower.state();
  if (state === undefined) return undefined;
  const json = messageJson(definition.schema, state, registry);
  const sealed = definition.schema.fields.filter(({ name }) => follower.sealed().has(name));
  if (sealed.length > 0) (json as JsonObject)["@sealed"] = sealed.map(({ jsonName }) => jsonName);
  return json;
}
