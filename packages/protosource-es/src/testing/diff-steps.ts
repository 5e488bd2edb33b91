/** Where what a process answers differs from what is expected. */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import type { CommandMessage } from "../aggregate/behaviour.js";
import { commandBehaviourOf } from "../repository/decide.js";
import type { ProcessStep, Sending, TimerCancelling, TimerSetting } from "../subscriptions/send.js";
import { diffMessages, showMessage } from "./message-diff.js";

/** Gives a line for each command, field and timer that differs. */
export function diffSteps(actual: readonly ProcessStep[], expected: readonly ProcessStep[]): string[] {
  const [sent, wanted] = [commandsOf(actual), commandsOf(expected)];
  const commands = Array.from({ length: Math.max(sent.length, wanted.length) }).flatMap((_, i) =>
    diffCommand(sent[i], wanted[i], `command ${i + 1}`),
  );
  const [set, toSet] = [timersOf(actual), timersOf(expected)];
  const timers = [...new Set([...set.keys(), ...toSet.keys()])].flatMap((name) => {
    const [got, want] = [showTimer(set.get(name)), showTimer(toSet.get(name))];
    return got === want ? [] : [`timer ${name}: expected ${want}, got ${got}`];
  });
  return [...commands, ...timers];
}

/** Gives the last word on each timer, which is the one that counts. */
export function timersOf(steps: readonly ProcessStep[]): ReadonlyMap<string, TimerSetting | TimerCancelling> {
  return new Map(steps.flatMap((step) => (step.step === "send" ? [] : [[step.timer, step] as const])));
}

/** A command on its way to one aggregate. */
interface SentCommand {
  readonly schema: DescMessage;
  readonly command: CommandMessage;
  /** The id of the aggregate; empty for one that the repository makes. */
  readonly id: string;
}

function commandsOf(steps: readonly ProcessStep[]): readonly SentCommand[] {
  return steps.flatMap((step) => (step.step === "send" ? sentBy(step) : []));
}

function sentBy({ repository, command, id }: Sending): readonly SentCommand[] {
  const { aggregate } = repository as { readonly aggregate: Aggregate<never> };
  const commands = [command].flat() as readonly Message[] as readonly CommandMessage[];
  const to = id ?? commands[0]?.id ?? "";
  return commands.map((one) => {
    const { schema } = commandBehaviourOf(aggregate, one);
    return { schema, command: one, id: to };
  });
}

function diffCommand(actual: SentCommand | undefined, expected: SentCommand | undefined, place: string): string[] {
  const isOther = actual?.schema.typeName !== expected?.schema.typeName;
  if (actual === undefined || expected === undefined || isOther) {
    return [`${place}: expected ${show(expected)}, got ${show(actual)}`];
  }
  const { schema, command, id } = expected;
  const path = `${place}, ${schema.name}: `;
  const isOtherId = id !== "" && id !== actual.id;
  const fields = schema.fields.filter((field) => !isEnvelope(field, command));
  return [
    ...(isOtherId ? [`${path}expected to ${id}, got to ${actual.id || "a new one"}`] : []),
    ...diffMessages(schema, actual.command, command, fields, path),
  ];
}

/** The id is compared with that of the sending, and an actor only where it is expected. */
function isEnvelope({ name }: DescField, { actor }: CommandMessage): boolean {
  return name === "id" || (name === "actor" && actor === "");
}

function show(sent: SentCommand | undefined): string {
  if (sent === undefined) return "none";
  const { schema, command, id } = sent;
  return `${showMessage(schema, command)}${id === "" ? "" : ` to ${id}`}`;
}

function showTimer(step: TimerSetting | TimerCancelling | undefined): string {
  if (step === undefined) return "nothing";
  return step.step === "cancel" ? "cancelled" : `set for ${Number(step.delay) / 1e6} s`;
}
