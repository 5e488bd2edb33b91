/** All commands, with their help. */
import { createRequire } from "node:module";
import { Command, type OutputConfiguration } from "commander";
import type { Register } from "./command.js";
import { addAggregates } from "./commands/aggregates.js";
import { addDescribe } from "./commands/describe.js";
import { addExport } from "./commands/export.js";
import { addImport } from "./commands/import.js";
import { addOpenApi } from "./commands/openapi.js";
import { addRebuild } from "./commands/rebuild.js";
import { addSchema } from "./commands/schema.js";
import { addStreams } from "./commands/streams.js";
import { addStudio } from "./commands/studio.js";
import { addSubjects } from "./commands/subjects.js";
import { addSubscriptions } from "./commands/subscriptions.js";
import { addTables } from "./commands/tables.js";

/** Makes the program; `register` takes the action of each command, and `output` what is said of a wrong command line. */
export function createProgram(register: Register, output: OutputConfiguration): Command {
  const { version } = createRequire(import.meta.url)("protosource-cli/package.json") as { readonly version: string };
  const program = new Command("protosource")
    .description("Looks after event-sourced data: its tables, streams and read models.")
    .version(version)
    .exitOverride()
    // Commands take this over when they are added.
    .configureOutput(output)
    .helpCommand(false)
    .showHelpAfterError("(add --help for what it takes)")
    .addHelpText("after", "\nEach command has its own --help, with an example.");
  addTables(program, register);
  addStreams(program, register);
  addAggregates(program, register);
  addRebuild(program, register);
  addSchema(program, register);
  addDescribe(program, register);
  addOpenApi(program, register);
  addSubjects(program, register);
  addSubscriptions(program, register);
  addStudio(program, register);
  addExport(program, register);
  addImport(program, register);
  return program;
}
