/** The commands that look after subscriptions. */
import type { Command } from "commander";
import { type Register, withDomain, withExample, withSegments, withStore } from "../command.js";
import { withPace } from "../pace.js";
import { auditSubscriptions } from "./audit-subscriptions.js";
import { catchUp } from "./catch-up.js";
import { listParked, releaseParked } from "./parked-streams.js";
import { dropVersion, promoteVersion } from "./read-model-versions.js";
import { showSubscriptions } from "./show-subscriptions.js";

/** Adds `subscriptions` and what is under it. */
export function addSubscriptions(program: Command, register: Register): void {
  const subscriptions = program
    .command("subscriptions")
    .description("looks after read models, processes, handlers and outboxes: what events cause")
    .helpCommand(false);
  const what = "a JavaScript module that exports the domain's aggregates and subscriptions";
  const add = (name: string, description: string): Command =>
    withDomain(withStore(subscriptions.command(name).description(description)), what);

  const status = add("status", "shows how each subscription stands");
  withExample(status, "protosource subscriptions status --store sqlite:orders.db --domain ./dist/domain.js");
  register(status, showSubscriptions);

  const catching = add(
    "catch-up",
    "brings all that is stored to subscriptions, while writers and workers may be at work",
  )
    .option("--only <subscription...>", "only these, such as customer-sales or customer-sales@2")
    .option("--state <file>", "where to keep how far it has come", "protosource-catch-up.json")
    .option("--resume", "goes on from the state file");
  withExample(
    withPace(withSegments(catching)),
    "protosource subscriptions catch-up --store 'dynamodb:?region=eu-west-1&feeds=feeds' --domain ./dist/domain.js --max-units 500",
  );
  register(catching, catchUp);

  const audit = add("audit", "finds streams of which subscriptions lack something, and has it done when told to")
    .option("--only <subscription...>", "only these, such as customer-sales or customer-sales@2")
    .option("--repair", "has subscriptions handle what they lack");
  withExample(
    withPace(withSegments(audit)),
    "protosource subscriptions audit --store 'dynamodb:?region=eu-west-1&feeds=feeds' --domain ./dist/domain.js",
  );
  register(audit, auditSubscriptions);

  const parked = add("parked", "lists the streams that stand still, with what went wrong");
  withExample(parked, "protosource subscriptions parked --store sqlite:orders.db --domain ./dist/domain.js");
  register(parked, listParked);

  const release = add("release", "lets parked streams go on, once what went wrong is mended")
    .argument("<subscription>", "the name, such as mails, or mails@1 where there are several versions")
    .argument("[stream]", "the whole name of the stream, such as example_app_order_v1#o-1")
    .option("--all", "all streams that are parked, instead of one")
    .option("--skip", "goes on behind the event that was parked, which then has no effect");
  withExample(
    release,
    "protosource subscriptions release mails 'example_app_order_v1#o-1' --store sqlite:orders.db --domain ./dist/domain.js",
    "protosource subscriptions release mails --all --store sqlite:orders.db --domain ./dist/domain.js",
  );
  register(release, releaseParked);

  const promote = add("promote", "has a version of a read model served that lacks nothing, in place of the one before")
    .argument("<subscription>", "the name and the version, such as customer-sales@2")
    .option("--no-audit", "looks at no streams, and has a version that fell behind served as it stands");
  withExample(
    withPace(withSegments(promote)),
    "protosource subscriptions promote customer-sales@2 --store sqlite:orders.db --domain ./dist/domain.js",
  );
  register(promote, promoteVersion);

  const drop = add("drop", "deletes the rows and the positions of a version that the domain has no more")
    .argument("<subscription>", "the name and the version, such as customer-sales@1")
    .option("--state <file>", "where to keep how far it has come", "protosource-drop.json")
    .option("--resume", "goes on from the state file");
  withExample(
    withPace(withSegments(drop)),
    "protosource subscriptions drop customer-sales@1 --store sqlite:orders.db --domain ./dist/domain.js",
  );
  register(drop, dropVersion);
}
