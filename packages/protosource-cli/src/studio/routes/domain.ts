import type { DescMessage } from "@bufbuild/protobuf";
import { sourceComment } from "protosource-es/model";
import { derivedFields } from "../../derived-fields.js";
import { describeAggregate } from "../../describe-aggregate.js";
import { usageError } from "../../failure.js";
import { rulesReader } from "../../openapi/field-rules.js";
import type { DomainInfo, MessageInfo } from "../domain-contract.js";
import { domainWarnings } from "../domain-warnings.js";
import { fieldInfos } from "../field-info.js";
import { required } from "../query.js";
import { pictureOf, sharedPrefix } from "../state-picture.js";
import type { Route } from "../studio.js";

/** `domain`: what the annotations say of the aggregate `type`. Free: no store is asked. */
export const domain: Route = async ({ schemas }, query): Promise<DomainInfo> => {
  const type = required(query, "type");
  const known = schemas.aggregates.find(({ definition: { schema } }) => schema.typeName === type);
  if (known === undefined) throw usageError("type", `there is no aggregate ${type} in the descriptors: take another`);
  const { schema, model } = known.definition;
  const description = describeAggregate(schema.typeName, model);
  const statePrefix = sharedPrefix(description.states.map(({ name }) => name));
  const rules = rulesReader(schemas.registry);
  const told = (role: MessageInfo["role"], schema: DescMessage, derived?: readonly string[]): MessageInfo => {
    const [comment] = sourceComment(schema);
    const { oneofs, expressions } = rules.ofMessage(schema);
    return {
      name: schema.name,
      role,
      ...(comment === undefined ? {} : { comment }),
      fields: fieldInfos(schema, rules, derived),
      rules: [
        ...oneofs.map(({ fields, required }) => `${required ? "one" : "one at most"} of ${fields.join(", ")}`),
        ...expressions,
      ],
    };
  };
  return {
    ...description,
    events: [
      ...model.events.map(({ schema: { name }, setsState }) => ({
        name,
        ...(setsState === undefined ? {} : { setsState }),
        emittedBy: description.commands.filter(({ events }) => events.includes(name)).map((command) => command.name),
      })),
      ...model.retired.map(({ schema: { name }, reason }) => ({ name, emittedBy: [], retired: reason })),
    ],
    messages: [
      told("aggregate", schema, derivedFields(known.definition)),
      ...model.projections.map(({ schema }) => told("projection", schema)),
      ...model.commands.map(({ schema }) => told("command", schema)),
      ...[...model.events, ...model.retired].map(({ schema }) => told("event", schema)),
      ...model.snapshots.map(({ schema }) => told("snapshot", schema)),
    ],
    warnings: domainWarnings(description, model),
    statePrefix,
    picture: pictureOf(description, statePrefix),
  };
};
