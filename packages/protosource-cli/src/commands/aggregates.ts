/** The commands that read rows. */
import type { Command } from "commander";
import { type Register, withExample, withSchemas, withSegments, withStore } from "../command.js";
import { withPace } from "../pace.js";
import { getAggregate } from "./get-aggregate.js";
import { pruneAggregates } from "./prune-aggregates.js";
import { queryAggregates } from "./query-aggregates.js";

/** Adds `aggregates` and what is under it. */
export function addAggregates(program: Command, register: Register): void {
  const aggregates = program
    .command("aggregates")
    .description("reads the rows of aggregates and projections, and takes needless ones away")
    .helpCommand(false);

  const get = aggregates
    .command("get")
    .description("shows one row: that of an aggregate or a projection, or the one under two keys")
    .argument("[type]", "the name of the message, such as Order")
    .argument("[id]", "the id of the aggregate")
    .option("--pk <key>", "the partition key, instead of a type and an id")
    .option("--sk <key>", "the sort key that goes with it");
  withExample(
    withSchemas(withStore(get)),
    "protosource aggregates get Order o-1 --store sqlite:orders.db --descriptors image.binpb",
  );
  register(get, getAggregate);

  const query = aggregates
    .command("query")
    .description("shows the rows of a partition of the table, or of an index")
    .argument("[type]", "the name of the message, such as Order")
    .option("--index <number>", "the index, from 1 to 20; 0 for the table itself", "0")
    .option(
      "--where <condition>",
      "a condition on a field, such as customer_id=c-9 or create_at>=5; may be repeated",
      collect,
      [],
    )
    .option("--partition <key>", "the partition key, instead of a type and conditions")
    .option("--limit <number>", "how many rows at most", "100")
    .option("--reverse", "in descending order")
    .option("--cursor <cursor>", "goes on where an earlier page ended");
  withExample(
    withSchemas(withStore(query)),
    "protosource aggregates query Order --index 1 --where customer_id=c-9 --store sqlite:orders.db --descriptors image.binpb",
  );
  register(query, queryAggregates);

  const prune = aggregates
    .command("prune")
    .description("finds rows of projections and of streams that are gone, and takes them away when told to")
    .option("--backup <file>", "takes them away, and keeps them as an export in a new file");
  withExample(
    withPace(withSegments(withSchemas(withStore(prune)))),
    "protosource aggregates prune --store sqlite:orders.db --descriptors image.binpb",
    "protosource aggregates prune --store sqlite:orders.db --descriptors image.binpb --backup removed.jsonl",
  );
  register(prune, pruneAggregates);
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
