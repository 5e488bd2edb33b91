/** The commands that look at streams. */
import type { Command } from "commander";
import { type Register, withExample, withSchemas, withStore } from "../command.js";
import { showStream } from "./show-stream.js";

/** Adds `streams` and what is under it. */
export function addStreams(program: Command, register: Register): void {
  const streams = program.command("streams").description("looks at streams of events").helpCommand(false);

  const show = streams
    .command("show")
    .description("shows the events of a stream, or its state at a time")
    .argument("<stream>", "the whole name of the stream, such as example_app_order_v1#o-1")
    .option("--at <moment>", "shows the state after a version, or at a time such as 2026-01-31T12:00:00Z")
    .option("--diff", "shows what each event changed");
  withExample(
    withSchemas(withStore(show)),
    "protosource streams show 'example_app_order_v1#o-1' --store sqlite:orders.db --descriptors image.binpb --diff",
  );
  register(show, showStream);
}
