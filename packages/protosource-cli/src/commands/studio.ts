/** `studio`: a page on one's own events. */
import type { Command } from "commander";
import { type Register, type SchemaOptions, withDescriptors, withDomain, withExample, withStore } from "../command.js";

export interface StudioOptions extends SchemaOptions {
  readonly demo?: boolean;
  readonly keys?: string;
  readonly port: string;
  readonly open?: boolean;
}

/** Adds the command. What it needs is loaded when it runs: no other command waits for it. */
export function addStudio(program: Command, register: Register): void {
  const command = program
    .command("studio")
    .description("shows streams, states and rows in a page of the browser, which changes none of them")
    .option("--demo", "shows the orders of a made-up shop, in memory, instead of a store")
    .option("--keys <url>", "opens personal fields that are asked for: sqlite:<file>, or dynamodb:?region=…&keys=…")
    .option("--port <number>", "where the page is served, on this machine alone; a free port by default", "0")
    .option("--open", "opens the page in the browser");
  withExample(
    withDomain(
      withDescriptors(withStore(command)),
      "a JavaScript module that exports the domain's aggregates, with their rules",
    ),
    "protosource studio --demo",
    "protosource studio --store sqlite:orders.db --descriptors image.binpb --domain ./domain.js",
  );
  register<StudioOptions>(command, async (context, options) => {
    const { runStudio } = await import("../studio/run-studio.js");
    return runStudio(context, options);
  });
}
