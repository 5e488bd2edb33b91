import { derivedFields } from "../../derived-fields.js";
import { streamPrefix } from "../../schemas.js";
import type { About } from "../contract.js";
import { knowsPersonal } from "../mask-personal.js";
import type { Route } from "../studio.js";

/** `about`: what is looked at, and what is known of it. */
export const about: Route = async ({ name, schemas }): Promise<About> => ({
  store: name ?? { kind: "memory", name: "in memory" },
  aggregates: schemas.aggregates.map(({ definition, hasRules }) => ({
    type: definition.schema.typeName,
    name: definition.schema.name,
    prefix: streamPrefix(definition),
    hasRules,
    derived: derivedFields(definition),
    events: definition.model.events.map(({ schema }) => schema.name),
    commands: definition.model.commands.map(({ schema }) => schema.name),
  })),
  hasPersonal: knowsPersonal(schemas.registry),
  canOpen: schemas.keyring !== undefined,
  problems: schemas.problems,
});
