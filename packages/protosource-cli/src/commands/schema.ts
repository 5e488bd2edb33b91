/** The commands that look at schemas. */
import { type Command, Option } from "commander";
import { type Register, withDomain, withExample, withSegments, withStore } from "../command.js";
import { withPace } from "../pace.js";
import { checkSchema } from "./check-schema.js";

/** Adds `schema` and what is under it. */
export function addSchema(program: Command, register: Register): void {
  const schema = program.command("schema").description("compares the schemas of a domain").helpCommand(false);

  const check = schema
    .command("check")
    .description("says what becomes of stored events and rows when a schema takes the place of another")
    .argument("<old>", "the descriptors of the schema that is in use, made by buf build -o deployed.binpb")
    .argument("<new>", "those of the schema that is to be")
    .option("--strict", "ends with 3 for each change that isn't safe, and not for those alone that harm stored events")
    .option("--replay", "reads the streams of the store with both, and shows where they differ")
    .option("--sample <number>", "replays so many streams at most")
    .addOption(new Option("--old-domain <module>", "the code of the domain that is in use, for what it derives"));
  withExample(
    withPace(withSegments(withDomain(withStore(check), "the code of the domain that is to be"))),
    "protosource schema check deployed.binpb image.binpb",
    "protosource schema check deployed.binpb image.binpb --replay --store 'dynamodb:?region=eu-west-1' --max-units 200",
  );
  register(check, checkSchema);
}
