import { create, createRegistry, fromBinary, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { AnySchema, anyPack, DurationSchema, OptionSchema, TypeSchema } from "@bufbuild/protobuf/wkt";
import { memoryKeyStore } from "protosource-es/memory";
import { createKeyring } from "protosource-es/personal";
import { describe, expect, it } from "vitest";
import {
  type Person,
  PersonListSchema,
  PersonSchema,
} from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_pb.js";
import { messageJson } from "../../src/message-json.js";

const registry = createRegistry(DurationSchema);
const known = create(OptionSchema, { name: "known", value: anyPack(DurationSchema, create(DurationSchema)) });
const unknown = create(OptionSchema, {
  name: "unknown",
  value: create(AnySchema, { typeUrl: "type.googleapis.com/example.Gone", value: Uint8Array.of(1, 2) }),
});

describe("messageJson", () => {
  it("is the JSON of a message that has one", () => {
    expect(messageJson(OptionSchema, known, registry)).toEqual(toJson(OptionSchema, known, { registry }));
  });

  it("hides nothing but the field that has none, however deep it lies", () => {
    const message = create(TypeSchema, { name: "T", oneofs: ["a"], options: [known, unknown] });
    expect(messageJson(TypeSchema, message, registry)).toEqual({
      name: "T",
      oneofs: ["a"],
      options: [
        toJson(OptionSchema, known, { registry }),
        {
          name: "unknown",
          value: { "@withoutJson": expect.stringContaining("example.Gone"), "@bytes": expect.any(String) },
        },
      ],
    });
  });

  it("names the fields that are sealed, wherever they lie, and says where persons were forgotten", async () => {
    const keys = memoryKeyStore();
    const keyring = createKeyring(keys);
    const person = create(PersonSchema, {
      id: "p-1",
      name: "Ann Lee",
      plan: "gold",
      parcels: { a: { parcelId: "a", recipientId: "p-2", address: { lines: ["Elm Road 1"] } } },
    });
    const { seal } = await keyring.sealer([[PersonSchema, person]]);
    const people = createRegistry(PersonSchema);
    const list = (one: Message) => create(PersonListSchema, { items: [one as Person] });
    const sealed = seal(PersonSchema, person, "here");
    expect(messageJson(PersonListSchema, list(sealed), people)).toEqual({
      items: [
        {
          id: "p-1",
          plan: "gold",
          parcels: { a: { parcelId: "a", recipientId: "p-2", "@sealed": ["address"] } },
          "@sealed": ["email", "name"],
        },
      ],
    });
    await keyring.forget("p-1");
    const read = fromBinary(PersonSchema, toBinary(PersonSchema, sealed as Person));
    const open = await keyring.opener([[PersonSchema, read]]);
    open(PersonSchema, read, "here", "the row");
    expect(messageJson(PersonSchema, read, people)).toEqual({
      id: "p-1",
      plan: "gold",
      parcels: { a: { parcelId: "a", recipientId: "p-2", address: { lines: ["Elm Road 1"] } } },
      "@erased": true,
    });
  });
});
