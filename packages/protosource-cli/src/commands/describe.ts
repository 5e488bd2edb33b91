/** `describe`: an aggregate's states, and what each command does. */
import type { Command } from "commander";
import { fileModel } from "protosource-es/model";
import { type Action, type JsonOption, type Register, withDescriptors, withExample, withJson } from "../command.js";
import { type Description, describeAggregate } from "../describe-aggregate.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { readDescriptors } from "../load-schemas.js";
import { printableLines } from "../output.js";

export interface DescribeOptions extends JsonOption {
  readonly descriptors?: string;
  readonly format: string;
}

const FORMATS: readonly string[] = ["text", "mermaid"];

/** Adds the command. */
export function addDescribe(program: Command, register: Register): void {
  const command = program
    .command("describe")
    .description("shows the states of aggregates, and what each command does")
    .argument("[type]", "the name of the aggregate, such as Order; all of them by default")
    .option("--format <format>", "text, or mermaid for a page that draws it", "text");
  withExample(
    withJson(withDescriptors(command)),
    "protosource describe Order --descriptors image.binpb",
    "protosource describe --descriptors image.binpb --format mermaid > states.md",
  );
  register(command, describe);
}

const describe: Action<DescribeOptions> = async ({ output }, { descriptors, format }, type?: string) => {
  if (!FORMATS.includes(format)) {
    throw usageError("--format", `there is no format ${JSON.stringify(format)}: write ${FORMATS.join(" or ")}`);
  }
  if (!descriptors) throw usageError("--descriptors", "no descriptors are given: add --descriptors image.binpb");
  const described = readDescriptors(descriptors).files;
  const known = Array.from(described, fileModel).flatMap((model) =>
    model.aggregates.map(({ schema }) => ({ schema, model })),
  );
  const chosen = known.filter(({ schema }) => type === undefined || schema.name === type || schema.typeName === type);
  if (chosen.length === 0) {
    const names = known.map(({ schema }) => schema.typeName).join(", ");
    throw usageError(
      "type",
      `there is no aggregate ${type ?? "in the descriptors"}: there ${names === "" ? "is none" : `are ${names}`}`,
    );
  }
  for (const { schema, model } of chosen) {
    const description = describeAggregate(schema.typeName, model);
    if (output.json) await output.value(description);
    else await output.line(printableLines(format === "mermaid" ? asMarkdown(description) : asText(description)));
  }
  return EXIT.ok;
};

function asText({ aggregate, states, transitions, commands }: Description): string {
  return [
    aggregate,
    ...transitions.map(({ from = "new", to, command }) => `  ${from} → ${to} by ${command}`),
    ...states.filter(({ reached }) => !reached).map(({ name }) => `  no command leads to ${name}`),
    ...commands.map((command) => `  ${command.name} (${allowedIn(command)}): ${command.events.join(", ")}`),
  ].join("\n");
}

function asMarkdown({ aggregate, states, transitions, commands }: Description): string {
  const diagram = [
    "```mermaid",
    "stateDiagram-v2",
    ...transitions.map(({ from = "[*]", to, command }) => `  ${from} --> ${to}: ${command}`),
    // A state alone is drawn without an arrow.
    ...states.filter(({ reached }) => !reached).map(({ name }) => `  ${name}`),
    "```",
    "",
  ];
  return [
    `## ${aggregate}`,
    "",
    ...(transitions.length > 0 ? diagram : []),
    "| command | allowed | emits |",
    "|---|---|---|",
    ...commands.map((command) => `| ${command.name} | ${allowedIn(command)} | ${command.events.join(", ")} |`),
    "",
  ].join("\n");
}

function allowedIn({ lifecycle, allowedStates }: Description["commands"][number]): string {
  if (lifecycle === "creation") return "new";
  return allowedStates.length === 0 ? "in any state" : allowedStates.join(", ");
}
