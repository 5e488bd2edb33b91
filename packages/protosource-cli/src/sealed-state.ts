/** Which fields of a state are sealed that was made of events without their keys. */
import type { Message } from "@bufbuild/protobuf";
import { fieldNamed, subjectName, unsetKeeps } from "protosource-es/model";
import { sealedFields } from "protosource-es/personal";
import type { KnownAggregate } from "./schemas.js";

/**
 * Gives the names of the fields that are sealed after an event: those that are sealed in it, and those before that it
 * doesn't set. Of messages within the state, each tells for itself.
 */
export function sealedAfter(
  { definition: { schema, model } }: KnownAggregate,
  before: ReadonlySet<string>,
  event: Message,
): ReadonlySet<string> {
  const namesIn = (...typed: Parameters<typeof sealedFields>): readonly string[] =>
    sealedFields(...typed).sealed.map(({ name }) => name);
  if (model.snapshots.some((snapshot) => snapshot.schema.typeName === event.$typeName)) {
    const { snapshot } = event as { readonly snapshot?: Message };
    return new Set(snapshot && namesIn(schema, snapshot));
  }
  const found = model.events.find((one) => one.schema.typeName === event.$typeName);
  if (found === undefined || found.collection !== undefined) return before;
  const names = namesIn(found.schema, event).filter((name) => fieldNamed(schema, name) !== undefined);
  const cleared = found.schema.fields.filter((field) => subjectName(field) !== undefined && !unsetKeeps(field));
  return new Set([...before].filter((name) => !cleared.some((field) => field.name === name)).concat(names));
}
