/** The commands that look at streams, and mend them. */
import type { Command } from "commander";
import { type Register, withExample, withSchemas, withSegments, withStore } from "../command.js";
import { withPace } from "../pace.js";
import { archiveStream } from "./archive-stream.js";
import { deleteStream } from "./delete-stream.js";
import { listStreams } from "./list-streams.js";
import { repairStream } from "./repair-stream.js";
import { showStream } from "./show-stream.js";
import { verifyStreams } from "./verify-streams.js";

/** Adds `streams` and what is under it. */
export function addStreams(program: Command, register: Register): void {
  const streams = program
    .command("streams")
    .description("looks at streams of events, and mends them")
    .helpCommand(false);

  const list = streams
    .command("list")
    .description("lists the streams")
    .option("--prefix <text>", "only streams whose name begins so")
    .option("--limit <number>", "how many streams at most");
  withExample(
    withSchemas(withStore(list)),
    "protosource streams list --store sqlite:orders.db --prefix 'example_app_order_v1#' --limit 20",
  );
  register(list, listStreams);

  const show = streams
    .command("show")
    .description("shows the events of a stream, or its state at a time")
    .argument("<stream>", "the whole name of the stream, such as example_app_order_v1#o-1")
    .option("--at <moment>", "shows the state after a version, or at a time such as 2026-01-31T12:00:00Z")
    .option("--diff", "shows what each event changed")
    .option("--from <version>", "begins at this version")
    .option("--to <version>", "ends at this version")
    .option("--limit <number>", "how many events at most, the first ones")
    .option("--tail <number>", "only so many, the last ones");
  withExample(
    withSchemas(withStore(show)),
    "protosource streams show 'example_app_order_v1#o-1' --store sqlite:orders.db --descriptors image.binpb --diff",
  );
  register(show, showStream);

  const verify = streams
    .command("verify")
    .description("reads every stream, and says what is wrong: gaps, torn ends, events that can't be read");
  withExample(
    withPace(withSegments(withSchemas(withStore(verify)))),
    "protosource streams verify --store 'dynamodb:?region=eu-west-1' --descriptors image.binpb --max-units 100",
  );
  register(verify, verifyStreams);

  const repair = streams
    .command("repair")
    .description("says up to where a damaged stream is whole, and takes away what lies behind when told to")
    .argument("<stream>", "the whole name of the stream, such as example_app_order_v1#o-1")
    .option("--cut <version>", "takes away what is stored from this version on, which must be the one of the plan")
    .option("--backup <file>", "a new file, to keep as an export what is taken away")
    .option("--without-rows", "leaves rows that tell of what is taken away")
    .option("--although-it-loads", "cuts a stream that programs load from a snapshot behind the damage");
  withExample(
    withSchemas(withStore(repair)),
    "protosource streams repair 'example_app_order_v1#o-1' --store sqlite:orders.db --descriptors image.binpb",
    "protosource streams repair 'example_app_order_v1#o-1' --store sqlite:orders.db --descriptors image.binpb --cut 7 --backup removed.jsonl",
  );
  register(repair, repairStream);

  const remove = streams
    .command("delete")
    .description("says what there is of an aggregate, and takes it away when told to; a tombstone keeps its id")
    .argument("<stream>", "the whole name of the stream, such as example_app_order_v1#o-1")
    .option("--backup <file>", "a file, to keep as an export what is taken away; that of an interrupted call goes on")
    .option("--actor <name>", "who deletes it, for the tombstone")
    .option("--without-rows", "leaves its rows")
    .option("--without-claims", "leaves its unique values, which a read of the whole table of claims finds")
    .option("--free-id", "takes the tombstone away too, so that the id can be used again");
  withExample(
    withSchemas(withStore(remove)),
    "protosource streams delete 'example_app_order_v1#o-1' --store sqlite:orders.db --descriptors image.binpb",
    "protosource streams delete 'example_app_order_v1#o-1' --store sqlite:orders.db --descriptors image.binpb --backup deleted.jsonl",
  );
  register(remove, deleteStream);

  const archive = streams
    .command("archive")
    .description("says what lies before the last snapshot of a stream, and moves it into a file when told to")
    .argument("<stream>", "the whole name of the stream, such as example_app_order_v1#o-1")
    .option("--backup <file>", "a file, to keep as an export what is moved; that of an interrupted call goes on")
    .option("--without-go", "says that no service in Go reads the table");
  withExample(
    withSchemas(withStore(archive)),
    "protosource streams archive 'example_app_order_v1#o-1' --store sqlite:orders.db --domain ./domain.js",
    "protosource streams archive 'example_app_order_v1#o-1' --store sqlite:orders.db --domain ./domain.js --backup archive.jsonl --without-go",
  );
  register(archive, archiveStream);
}
