import { create, createRegistry, toJson } from "@bufbuild/protobuf";
import { AnySchema, anyPack, DurationSchema, OptionSchema, TypeSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
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
});
