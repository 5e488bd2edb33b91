import type { Aggregate, AggregateTypes } from "protosource-es";

const ENVELOPE: readonly string[] = ["id", "version", "at", "actor"];
const STAMPS: readonly string[] = ["create_at", "create_by", "modify_at", "modify_by"];

/**
 * Names the fields of an aggregate that no event sets. Only hand-written code can fill them, so without it they are
 * empty. Code may also change a field that events set, which nothing here tells.
 */
export function derivedFields({ schema, model }: Aggregate<AggregateTypes>): readonly string[] {
  const set = new Set(["id", "version", ...STAMPS]);
  for (const event of model.events) {
    if (event.setsState !== undefined) set.add("state");
    if (event.collection) set.add(event.collection.target);
    else for (const { name } of event.schema.fields) if (!ENVELOPE.includes(name)) set.add(name);
  }
  return schema.fields.map(({ name }) => name).filter((name) => !set.has(name));
}
