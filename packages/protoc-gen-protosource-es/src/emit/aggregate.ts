/** The types of an aggregate, its definition, and the functions that make its commands and events. */
import type { DescMessage } from "@bufbuild/protobuf";
import {
  type AggregateModel,
  type CommandModel,
  type EventModel,
  type RetiredModel,
  sourceComment,
} from "protosource-es/model";
import type { Domain } from "../model.js";
import { listed } from "../words.js";
import { docComment } from "./comment.js";
import { type AggregateNames, aggregateNames } from "./names.js";
import { exported, type Output, parameterText, printCallable } from "./output.js";

export function emitAggregate(domain: Domain, output: Output): void {
  const { aggregate, commands, events, retired } = domain;
  if (aggregate === undefined) return;
  const names = aggregateNames(aggregate.schema);
  if (output.target !== "js") emitTypes(domain, aggregate, names, output);
  emitDefinition(domain, aggregate, names, output);
  const { name } = aggregate.schema;
  const documentedCommands = commands.map((command) => documentedCommand(command, aggregate));
  emitConstructors(`Makes the commands of ${name}.`, names.commands, documentedCommands, output);
  const documentedEvents = [...events.map(documented), ...retired.map(documentedRetired)];
  emitConstructors(`Makes the events of ${name}, for tests and imports.`, names.events, documentedEvents, output);
}

function emitTypes(
  { commands, events, projections, retired }: Domain,
  { schema }: AggregateModel,
  names: AggregateNames,
  { print, shape }: Output,
): void {
  print();
  print(docComment([`The messages of ${schema.name}, by role.`]));
  print(`export interface ${names.types} extends rt.AggregateTypes {`);
  print(`  readonly aggregate: ${shape(schema)};`);
  const emits = commands.map((command) => {
    const emitted = command.events.map((event) => `"${event}"`).join(" | ");
    return `${command.schema.name}: rt.Emits<${shape(command.schema)}, ${emitted}>`;
  });
  const named = ({ schema }: { schema: DescMessage }): string => `${schema.name}: ${shape(schema)}`;
  printGroup("commands", emits, print);
  printGroup("events", events.map(named), print);
  printGroup("projections", projections.map(named), print);
  if (retired.length > 0) printGroup("retired", retired.map(named), print);
  print("}");
  print(`export type ${names.aggregate} = rt.Aggregate<${names.types}>;`);
  print(`export type ${names.command} = rt.CommandOf<${names.types}>;`);
  print(`export type ${names.event} = rt.EventOf<${names.types}>;`);
  print(`export type ${names.rules} = rt.${retired.length > 0 ? "UpcastingRules" : "Rules"}<${names.types}>;`);
}

function printGroup(role: string, properties: readonly string[], print: Output["print"]): void {
  print(`  readonly ${role}: {${properties.length === 0 ? "};" : ""}`);
  if (properties.length === 0) return;
  for (const property of properties) print(`    readonly ${property};`);
  print("  };");
}

function emitDefinition({ retired }: Domain, { schema }: AggregateModel, names: AggregateNames, output: Output): void {
  const { print, target } = output;
  const typeArgument = target === "js" ? "" : `<${names.types}>`;
  print();
  print(docComment([`Defines ${schema.name} with the hand-written part of its behaviour.`]));
  printCallable(
    {
      head: `${exported(output)} function ${names.define}`,
      parameters: [{ name: "rules", type: names.rules, optional: retired.length === 0 }],
      result: names.aggregate,
      body: `return rt.defineAggregate${typeArgument}(${output.schema(schema)}, rules);`,
    },
    output,
  );
}

/** A message, with the lines of its doc comment. */
interface Documented {
  readonly schema: DescMessage;
  readonly comment: readonly string[];
}

function documented({ schema }: EventModel): Documented {
  return { schema, comment: sourceComment(schema) };
}

function documentedRetired({ schema, reason }: RetiredModel): Documented {
  const comment = sourceComment(schema);
  const retired = reason === "" ? "Retired." : `Retired: ${reason}`;
  return { schema, comment: comment.length === 0 ? [retired] : [...comment, "", retired] };
}

function documentedCommand(command: CommandModel, aggregate: AggregateModel): Documented {
  return { schema: command.schema, comment: commandComment(command, aggregate) };
}

function emitConstructors(comment: string, name: string, messages: readonly Documented[], output: Output): void {
  const { print, target } = output;
  print();
  print(docComment([comment]));
  print(`${exported(output)} const ${name}${target === "dts" ? ": {" : " = {"}`);
  for (const { schema, comment } of messages) {
    if (comment.length > 0) print(docComment(comment, "  "));
    const shape = output.shape(schema);
    const init = parameterText({ name: "init", type: `rt.Init<${shape}>` }, output);
    const make = `rt.create(${output.schema(schema)}, init)`;
    if (target === "dts") print(`  ${schema.name}: (${init}) => ${shape};`);
    else print(`  ${schema.name}: (${init})${target === "js" ? "" : `: ${shape}`} => ${make},`);
  }
  print("};");
}

/** What the source says of a command, then when it is allowed and what it emits. */
export function commandComment(command: CommandModel, aggregate: AggregateModel): readonly string[] {
  const { schema, events } = command;
  const behaviour = `${occasion(command, aggregate)}; emits ${listed(events, "and")}.`;
  const comment = sourceComment(schema);
  const [only, ...more] = comment;
  if (only === undefined) return [behaviour];
  if (more.length > 0) return [...comment, "", behaviour];
  const sentence = /[.!?:]$/.test(only) ? only : `${only}.`;
  return [`${sentence} ${behaviour}`];
}

/** Says when a command is allowed. */
function occasion({ lifecycle, allowedStates }: CommandModel, { states }: AggregateModel): string {
  if (lifecycle === "creation") return "Creates";
  if (states === undefined) return lifecycle === "mutation" ? "Once created" : "At any time";
  const allowed = allowedStates.length > 0 ? listed(allowedStates, "or") : "any state";
  return lifecycle === "mutation" ? `In ${allowed}` : `Creates, or in ${allowed}`;
}
