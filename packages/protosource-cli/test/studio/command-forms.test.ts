/** The forms of commands: what each leaves as it is makes a command that can be decided. */
import type { JsonValue } from "@bufbuild/protobuf";
import { defineAggregate } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { expect, it } from "vitest";
import { compileProto } from "../../../protosource-es/test/compile-proto.js";
import { schemasOf } from "../../src/schemas.js";
import { studioApi } from "../../src/studio/api.js";
import type { CommandForms, Decided, FormField, Refusal } from "../../src/studio/index.js";

const FIELDS = `
  bool plain = 10;
  optional bool maybe = 11;
  optional Kind kind = 12;
  google.protobuf.Value value = 13;
  google.protobuf.Struct struct = 14;
  google.protobuf.ListValue list = 15;
  google.protobuf.Any any = 16;
  google.protobuf.Duration duration = 17;
  google.protobuf.Timestamp due = 18;
  google.protobuf.StringValue remark = 19;
  google.protobuf.FieldMask mask = 20;
  repeated Kind kinds = 21;
  map<string, Kind> by_name = 22;
  oneof contact {
    string phone = 23;
    bool none = 24;
    Kind other = 25;
    google.protobuf.Value written = 26;
    google.protobuf.Struct desk = 27;
  }`;

const PROTO = `
syntax = "proto3";
package example.thing.v1;
import "funinthecloud/protosource/options/v1/options_v1.proto";
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
option (funinthecloud.protosource.options.v1.protosource_file).enabled = true;
enum Kind { KIND_UNSPECIFIED = 0; KIND_LARGE = 1; }
message Thing {
  option (funinthecloud.protosource.options.v1.protosource_message_type).aggregate = {};
  string id = 1;
  int64 version = 2;${FIELDS}
}
message ThingList { repeated Thing items = 1; }
message Make {
  option (funinthecloud.protosource.options.v1.protosource_message_type).command = {
    produces_events: ["Made"] lifecycle: COMMAND_LIFECYCLE_CREATION
  };
  string id = 1;
  string actor = 2;${FIELDS}
}
message Made {
  option (funinthecloud.protosource.options.v1.protosource_message_type).event = {};
  string id = 1;
  int64 version = 2;
  int64 at = 3;
  string actor = 4;${FIELDS}
}`;

const file = compileProto({ "thing.proto": PROTO });
const thing = defineAggregate(file.getMessage("example.thing.v1.Thing") as never);
const api = studioApi({ store: new MemoryStore(), schemas: schemasOf([thing]) });

async function ask<T>(
  route: string,
  parameters: { readonly [name: string]: string } = {},
): Promise<T & Partial<Refusal>> {
  const about = new URLSearchParams({ id: "example_thing_v1#t-1", ...parameters });
  return (await (await api(new Request(`http://studio/api/${route}?${about}`))).json()) as T & Partial<Refusal>;
}

/** Gives what the page sends of an input that nobody has touched; undefined for nothing. */
function untouched({ kind, values, example }: FormField): JsonValue | undefined {
  if (kind === "boolean") return false;
  return (kind === "enum" ? values?.[0] : kind === "json" ? example : "") || undefined;
}

it("is one of what nobody has touched, and of one field of those of which there can be one", async () => {
  const { commands } = await ask<CommandForms>("commands");
  const [{ name, fields } = expect.fail("no command")] = commands;
  const sent = Object.fromEntries(fields.map((field) => [field.name, untouched(field)]));
  const decide = (more: object): Promise<Decided & Partial<Refusal>> =>
    ask("what-if", { at: "0", command: name, fields: JSON.stringify({ ...sent, ...more }) });
  for (const more of [{}, { phone: "1" }, { none: true }, { other: "KIND_LARGE" }, { desk: { a: 1 } }]) {
    const { error, refusal, events } = await decide(more);
    expect({ error, refusal }).toEqual({});
    expect(events).toMatchObject([{ type: "Made", json: more }]);
    expect(events[0]?.json).not.toHaveProperty("maybe");
    expect(events[0]?.json).not.toHaveProperty("kind");
  }
});
