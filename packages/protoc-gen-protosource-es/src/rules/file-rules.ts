/** The rules of a file as a whole: which messages it holds, and how it stands to other files. */
import type { DescFile } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { fieldNamed, isDeletable } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import { type Domain, isDisabled, isOfRows, isRetired, roleOf } from "../model.js";
import { allOf } from "../words.js";
import { requireFields, shapeText } from "./fields.js";
import { DELETABLE_PATH, ENABLED_PATH, RETIRED_PATH, rolePath } from "./places.js";

export function checkFile(domain: Domain, report: Report): void {
  const { file, snapshots, projections, retired, messages } = domain;
  if (file.proto.package === "") {
    report(
      "F8",
      file,
      "the file has no package, and the package begins the key of every stream and row",
      'write "package example.order.v1;"',
    );
  }
  checkAggregates(domain, report);
  checkCreation(domain, report);
  checkList(domain, report);
  for (const { schema } of snapshots.slice(1)) {
    const first = snapshots[0]?.schema.name;
    report("F6", schema, `${schema.name} is a second snapshot message beside ${first}`, "remove one of them");
  }
  for (const { schema } of projections) {
    requireFields(schema, `the projection ${schema.name}`, [{ name: "id", type: "string" }], "F7", report);
  }
  for (const message of messages) {
    const role = roleOf(message);
    if (message.parent !== undefined && role !== undefined) {
      report(
        "F10",
        { desc: message, path: rolePath(role) },
        `${message.name} has the role "${role}" inside of ${message.parent.name}, where nothing looks for it`,
        "move it to the top level of the file, or remove its role",
      );
    }
    if (isRetired(message) && !retired.some(({ schema }) => schema === message)) {
      report(
        "F11",
        { desc: message, path: RETIRED_PATH },
        `${message.name} has "retired", which is for an event that is no longer emitted`,
        "remove it",
      );
    }
    if (isDeletable(message) && role !== "aggregate") {
      report(
        "A4",
        { desc: message, path: DELETABLE_PATH },
        `${message.name} is deletable, and is no aggregate`,
        "remove the option: events and rows go with their aggregate",
      );
    }
  }
}

function checkAggregates(domain: Domain, report: Report): void {
  const { file, aggregate, aggregates, commands, events, snapshots, projections } = domain;
  if (aggregate === undefined) {
    if (isOfRows(domain)) return;
    const wanted = "option (funinthecloud.protosource.options.v1.protosource_message_type).aggregate = {};";
    const [part] = [...commands, ...events, ...snapshots, ...projections];
    report(
      "F1",
      { desc: file, path: ENABLED_PATH },
      part === undefined
        ? "the file is enabled and has neither an aggregate nor a row"
        : `the file is enabled and has no aggregate for ${part.schema.name}`,
      `write "${wanted}" in its first message, ${part === undefined ? "give a message keys, " : ""}or remove the option "enabled"`,
    );
    return;
  }
  const { schema } = aggregate;
  const [firstMessage] = file.messages;
  if (firstMessage !== undefined && firstMessage !== schema) {
    report(
      "F3",
      schema,
      `the aggregate ${schema.name} isn't the first message of its file`,
      `move it before ${firstMessage.name}`,
    );
  }
  for (const other of aggregates.slice(1)) {
    report(
      "F2",
      other.schema,
      `${other.schema.name} is a second aggregate beside ${schema.name}`,
      "move it and its messages to a file and a package of their own",
    );
  }
}

function checkCreation({ aggregate, commands }: Domain, report: Report): void {
  if (aggregate === undefined) return;
  const [first, ...more] = commands.filter(({ lifecycle }) => lifecycle === "creation");
  if (first === undefined) {
    report(
      "F4",
      aggregate.schema,
      `no command creates ${aggregate.schema.name}`,
      'give one command "lifecycle: COMMAND_LIFECYCLE_CREATION"',
    );
    return;
  }
  for (const { schema } of more) {
    report(
      "F4",
      { desc: schema, path: rolePath("command", 2) },
      `${schema.name} is a second command that creates ${aggregate.schema.name}, beside ${first.schema.name}`,
      'write "lifecycle: COMMAND_LIFECYCLE_MUTATION" in one of them',
    );
  }
  const elsewhere = new Set(commands.flatMap(({ lifecycle, events }) => (lifecycle === "creation" ? [] : events)));
  for (const { schema, events } of [first, ...more]) {
    if (events.length > 0 && events.every((name) => elsewhere.has(name))) {
      report(
        "W3",
        { desc: schema, path: rolePath("command", 1, 0) },
        `${schema.name} creates, but other commands emit ${allOf(events)} too, so that create_at and create_by are never set`,
        "emit an event of its own first",
      );
    }
    for (const name of events.slice(1)) {
      if (elsewhere.has(name)) continue;
      report(
        "F5",
        { desc: schema, path: rolePath("command", 1, 0) },
        `${schema.name} creates and emits ${name} after its first event, which would make ${name} a second creation`,
        `let a command that doesn't create emit ${name} too, or leave it out here`,
      );
    }
  }
}

function checkList({ file, aggregate }: Domain, report: Report): void {
  if (aggregate === undefined) return;
  const { name, typeName } = aggregate.schema;
  const wanted = `message ${name}List { repeated ${name} items = 1; }`;
  const list = file.messages.find((message) => message.name === `${name}List`);
  if (list === undefined) {
    report("L1", aggregate.schema, `the aggregate ${name} has no list message`, `add "${wanted}"`);
    return;
  }
  const items = fieldNamed(list, "items");
  const isRight = list.fields.length === 1 && items?.number === 1 && shapeText(items) === `repeated ${typeName}`;
  if (!isRight) report("L1", list, `the list message ${list.name} of ${name} has another form`, `write "${wanted}"`);
}

/**
 * Checks the packages of the enabled files that code is asked for, each against those before it and against enabled
 * files that are only imported: the key of a stream has the package, and no message name. Rows have their names in theirs.
 */
export function checkPackages(asked: readonly Domain[], known: readonly Domain[], report: Report): void {
  const ours = streamFiles(asked);
  const others = streamFiles(known).filter((file) => !ours.includes(file));
  for (const [i, file] of ours.entries()) {
    const { name, package: pkg } = file.proto;
    const other = [...ours.slice(0, i), ...others].find((each) => keyOf(each) === keyOf(file));
    if (other === undefined || pkg === "") continue;
    const clash =
      other.proto.package === pkg
        ? `${name} has the package "${pkg}", as has ${other.proto.name}`
        : `${name} has the package "${pkg}" and ${other.proto.name} has "${other.proto.package}", which are equal in keys, where dots are underscores`;
    report(
      "F9",
      { desc: file, path: [FileDescriptorProtoSchema.field.package.number] },
      `${clash}: two aggregates of one id would share a stream`,
      "give each aggregate a package of its own",
    );
  }
}

function streamFiles(domains: readonly Domain[]): readonly DescFile[] {
  return domains.filter((domain) => domain.enabled && !isOfRows(domain)).map(({ file }) => file);
}

/** A package as keys begin with it. */
function keyOf(file: DescFile): string {
  return file.proto.package.replaceAll(".", "_");
}

/** Warns of an aggregate for which nothing is generated, unless its file says so. */
export function checkNotEnabled({ file, aggregate }: Domain, report: Report): void {
  if (aggregate === undefined || isDisabled(file)) return;
  const wanted = "option (funinthecloud.protosource.options.v1.protosource_file).enabled = true;";
  report(
    "W2",
    aggregate.schema,
    `nothing is generated for the aggregate ${aggregate.schema.name}, because its file isn't enabled`,
    `write "${wanted}", or false to say that this is meant`,
  );
}
