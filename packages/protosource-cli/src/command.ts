/** What the commands have in common: their options, and what they run with. */
import { type Command, Option } from "commander";
import type { ExitCode } from "./exit-codes.js";
import { wholeNumber } from "./format.js";
import type { SchemaSources } from "./load-schemas.js";
import { type OpenStore, type OpenStoreOptions, openStore } from "./open-store.js";
import type { Output } from "./output.js";
import { parseStoreUrl } from "./store-url.js";

/** What a command runs with. */
export interface Context {
  readonly output: Output;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
  /** The words of the command line. */
  readonly args: readonly string[];
}

export interface JsonOption {
  readonly json?: boolean;
}

export interface StoreOption extends JsonOption {
  readonly store?: string;
}

/** Runs a command with its arguments and its options, and gives the exit code. */
export type Action<O> = (context: Context, options: O, ...args: string[]) => Promise<ExitCode>;

/** Takes the action of a command, to run it once the command line is read. */
export type Register = <O extends JsonOption>(command: Command, action: Action<O>) => void;

/** Adds the option that makes results JSON. */
export function withJson(command: Command): Command {
  return command.option("--json", "print lines of JSON, for other programs");
}

/** Adds the options that say which store. */
export function withStore(command: Command): Command {
  const store = new Option(
    "--store <url>",
    "sqlite:<file>, or dynamodb:?region=…&endpoint=…&events=…&aggregates=…&feeds=…&layout=…",
  );
  return withJson(command.addOption(store.env("PROTOSOURCE_STORE")));
}

/** Adds the options that say what the messages are. */
export function withSchemas(command: Command): Command {
  return withDomain(
    withDescriptors(command),
    "a JavaScript module that exports the domain's aggregates, with their rules",
  );
}

/** Adds the option that says where the domain's descriptors are. */
export function withDescriptors(command: Command): Command {
  const descriptors = new Option("--descriptors <file>", "the domain's descriptors, made by buf build -o image.binpb");
  return command.addOption(descriptors.env("PROTOSOURCE_DESCRIPTORS"));
}

/** Adds the option that says where the domain's code is. */
export function withDomain(command: Command, what: string): Command {
  return command.addOption(new Option("--domain <module>", what).env("PROTOSOURCE_DOMAIN"));
}

export interface SegmentsOption {
  readonly segments: string;
}

/** Each segment is read on its own, at the same time. */
const MAX_SEGMENTS = 1000;

/** Adds the option that says in how many parts a table is read. */
export function withSegments(command: Command): Command {
  return command.option("--segments <number>", "in how many parts a table is read at once", "4");
}

/** Reads the option. Throws `invalid_argument`. */
export function segmentCount({ segments }: SegmentsOption): number {
  return wholeNumber(segments, "--segments", 1, MAX_SEGMENTS);
}

/** Adds an example to the help of a command. */
export function withExample(command: Command, ...lines: string[]): Command {
  return command.addHelpText("after", `\nExample:\n${lines.map((line) => `  $ ${line}`).join("\n")}`);
}

/** Opens the store of a command, and closes it when the work is done. */
export async function useStore<T>(
  options: StoreOption,
  work: (store: OpenStore) => Promise<T>,
  openOptions: OpenStoreOptions = {},
): Promise<T> {
  const opened = await openStore(parseStoreUrl(options.store), openOptions);
  try {
    return await work(opened);
  } finally {
    opened.close();
  }
}

export type SchemaOptions = SchemaSources & StoreOption;
