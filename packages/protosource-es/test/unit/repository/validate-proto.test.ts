/** From a .proto with rules to a refused command, without a network: buf compiles it against what protovalidate holds. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, createFileRegistry, type DescFile, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type AggregateTypes, commandSchema, defineAggregate, Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { afterAll, expect, test } from "vitest";
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

const directory = mkdtempSync(join(tmpdir(), "rules-"));
afterAll(() => rmSync(directory, { recursive: true }));

function compile(): DescFile {
  const root = fileURLToPath(new URL("../../../../../", import.meta.url));
  const write = (path: string, text: string): void => {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), text);
  };
  write("buf.yaml", "version: v2\nmodules:\n  - path: proto\n");
  write("proto/buf/validate/validate.proto", validateProto());
  write("proto/rules.proto", PROTO);
  cpSync(join(root, "proto"), join(directory, "proto"), { recursive: true });
  const buf = join(root, "node_modules/.bin/buf");
  const options = { cwd: directory, maxBuffer: 2 ** 24 };
  const bytes = execFileSync(buf, ["build", "--as-file-descriptor-set", "-o", "-#format=binpb"], options);
  const file = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes)).getFile("rules.proto");
  if (file === undefined) throw new Error("rules.proto isn't in the image");
  return file;
}

test("a command is refused by the rules of its .proto", async () => {
  const note = compile().messages.find(({ name }) => name === "Note");
  const definition = defineAggregate<AggregateTypes>(note as never);
  const notes = new Repository(definition, new MemoryStore(), { materialize: "off" });
  const schema = commandSchema(definition, "Write");
  const write = (id: string, text: string) => create(schema as never, { id, text } as never);

  expect(await failure(notes.apply(write("9", "x"), { actor: "ann" }))).toMatchObject({
    code: "validation_failed",
    details: {
      violations: [
        { field: "id", rule: "string.pattern" },
        { field: "text", rule: "string.min_len" },
      ],
    },
  });
  expect(await notes.apply(write("n-9", "hello"), { actor: "ann" })).toMatchObject({
    version: 1n,
    aggregate: { text: "hello" },
  });
});
