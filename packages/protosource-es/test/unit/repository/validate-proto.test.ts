/** From a .proto with rules, and with files behind its imports, to a repository, without a network. */
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { type AggregateTypes, commandSchema, defineAggregate, Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { jsonSerializer } from "protosource-es/serializer";
import { expect, test } from "vitest";
import { compileProto } from "../../compile-proto.js";
import { failure } from "../../failure.js";
import { validateProto } from "../../validate-proto.js";

const PROTO = `
syntax = "proto3";
package example.app.rules.v1;
import "buf/validate/validate.proto";
import "funinthecloud/protosource/options/v1/options_v1.proto";
option (funinthecloud.protosource.options.v1.protosource_file).enabled = true;

message Note {
  option (funinthecloud.protosource.options.v1.protosource_message_type).aggregate = {};
  string id = 1;
  int64 version = 2;
  string text = 3;
}
message Write {
  option (funinthecloud.protosource.options.v1.protosource_message_type).command = {
    produces_events: ["Written"]
    lifecycle: COMMAND_LIFECYCLE_CREATION
  };
  string id = 1 [(buf.validate.field).string.pattern = "^n-[0-9]+$"];
  string actor = 2;
  string text = 3 [(buf.validate.field).string = {min_len: 2, max_len: 5}];
}
message Written {
  option (funinthecloud.protosource.options.v1.protosource_message_type).event = {};
  string id = 1;
  int64 version = 2;
  int64 at = 3;
  string actor = 4;
  string text = 5;
}
`;

/** Rules of the application's own, one import behind the file that the domain imports. */
const OWN_RULES = {
  "own/deep.proto": `
syntax = "proto2";
package own;
import "buf/validate/validate.proto";
extend buf.validate.StringRules {
  optional bool shout = 80048952 [(buf.validate.predefined).cel = {
    id: "string.shout"
    message: "must be in capitals"
    expression: "!rule || this.matches('^[A-Z]*$')"
  }];
}
message Tag {
  optional string name = 1 [(buf.validate.field).string.(shout) = true];
}
`,
  "own/shallow.proto": `
syntax = "proto3";
package own;
import "own/deep.proto";
message Tags {
  repeated Tag tags = 1;
}
`,
};

/** The aggregate of a domain, and a function that makes its command. */
function compile(files: Readonly<Record<string, string>>) {
  const registry = compileProto(files);
  const definition = defineAggregate<AggregateTypes>(registry.getMessage("example.app.rules.v1.Note") as never);
  const schema = commandSchema(definition, "Write");
  return {
    registry,
    notes: new Repository(definition, new MemoryStore(), { materialize: "off", serializer: jsonSerializer }),
    write: (fields: object) => create(schema as never, fields as never),
  };
}

test("the file of buf.validate that is shipped is that of protovalidate", async () => {
  const shipped = fileURLToPath(new URL("../../../../../proto-validate/buf/validate/validate.proto", import.meta.url));
  await expect(validateProto()).toMatchFileSnapshot(shipped);
});

test("a command is refused by the rules of its .proto", async () => {
  const { notes, write } = compile({ "rules.proto": PROTO });
  expect(await failure(notes.apply(write({ id: "9", text: "x" }), { actor: "ann" }))).toMatchObject({
    code: "validation_failed",
    details: {
      violations: [
        { field: "id", rule: "string.pattern" },
        { field: "text", rule: "string.min_len" },
      ],
    },
  });
  expect(await notes.apply(write({ id: "n-9", text: "hello" }), { actor: "ann" })).toMatchObject({
    version: 1n,
    aggregate: { text: "hello" },
  });
});

test("a command is held to a rule that the application defines in a file behind its imports", async () => {
  const { notes, write } = compile({
    ...OWN_RULES,
    "rules.proto": PROTO.replace('import "buf', 'import "own/shallow.proto";\nimport "buf').replace(
      "string text = 3 [(buf.validate.field).string = {min_len: 2, max_len: 5}];",
      "string text = 3;\n  own.Tags tags = 4;",
    ),
  });
  const tagged = (name: string) => write({ id: "n-1", tags: { tags: [{ name }] } });
  expect(await failure(notes.apply(tagged("quiet"), { actor: "ann" }))).toMatchObject({
    code: "validation_failed",
    details: { violations: [{ field: "tags.tags[0].name", jsonField: "tags.tags[0].name", rule: "string.shout" }] },
  });
  expect(await notes.apply(tagged("LOUD"), { actor: "ann" })).toMatchObject({ version: 1n });
});

test("an event holds, as JSON, an Any of a type in a file behind its imports", async () => {
  const { notes, write, registry } = compile({
    ...OWN_RULES,
    "rules.proto": PROTO.replace(
      'import "buf',
      'import "own/shallow.proto";\nimport "google/protobuf/any.proto";\nimport "buf',
    )
      .replace("string text = 3;", "string text = 3;\n  google.protobuf.Any tag = 4;")
      .replace("max_len: 5}];", "max_len: 5}];\n  google.protobuf.Any tag = 4;")
      .replace("string text = 5;", "string text = 5;\n  google.protobuf.Any tag = 6;"),
  });
  const Tag = registry.getMessage("own.Tag");
  if (Tag === undefined) throw new Error("there is no own.Tag");
  const tag = anyPack(Tag, create(Tag, { name: "LOUD" } as never));
  await notes.apply(write({ id: "n-1", text: "hello", tag }), { actor: "ann" });
  expect(await notes.load("n-1")).toMatchObject({ tag });
});
