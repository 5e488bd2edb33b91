import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { create, createRegistry, equals, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { binarySerializer, jsonSerializer } from "protosource-es/serializer";
import { describe, expect, test } from "vitest";
import {
  file_example_app_order_v1_order_v1,
  LineItemSchema,
  OrderSchema,
  SnapshotSchema as OrderSnapshotSchema,
} from "../../gen/example/app/order/v1/order_v1_pb.js";
import {
  type FilledIn,
  FilledInSchema,
  file_example_app_shapes_v1_shapes_v1,
} from "../../gen/example/app/shapes/v1/shapes_v1_pb.js";
import { CreatedSchema, file_example_app_test_v1_test_v1 } from "../../gen/example/app/test/v1/test_v1_pb.js";

const registry = createRegistry(
  file_example_app_test_v1_test_v1,
  file_example_app_order_v1_order_v1,
  file_example_app_shapes_v1_shapes_v1,
);
const created = create(CreatedSchema, { id: "t-1", version: 1n, at: 1700000000000000n, actor: "me", body: "hi" });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface GoldenFile {
  readonly events: readonly { readonly v: { readonly N: string }; readonly d: { readonly B: string } }[];
}

/** The data of the golden events, inflated. */
function goldenData(name: string): { version: bigint; data: Uint8Array }[] {
  const file = JSON.parse(readFileSync(new URL(`../../golden/${name}.json`, import.meta.url), "utf8")) as GoldenFile;
  return file.events.map(({ v, d }) => {
    const data = Buffer.from(d.B, "base64");
    return {
      version: BigInt(v.N),
      data: new Uint8Array(data[0] === 0x1f && data[1] === 0x8b ? gunzipSync(data) : data),
    };
  });
}

describe("the binary serializer", () => {
  test("writes the bytes of the format", () => {
    const url = Buffer.from("type.googleapis.com/example.app.test.v1.Created").toString("hex");
    const data = binarySerializer.serialize(CreatedSchema, created);
    expect(data).toHaveLength(75);
    expect(Buffer.from(data).toString("hex")).toBe(`0a2f${url}12180a03742d311001188080f9c0c1c4820322026d652a026869`);
    expect(binarySerializer.deserialize(data, registry, "t-1")).toEqual(created);
  });

  test.each(["test_v1", "order_v1"])("reads each event of %s, and writes the same bytes", (name) => {
    const events = goldenData(name);
    expect(events.length).toBeGreaterThan(3);
    for (const { version, data } of events) {
      const event = binarySerializer.deserialize(data, registry, name);
      expect(event).toHaveProperty("version", version);
      const schema = registry.getMessage(event.$typeName);
      expect(schema && binarySerializer.serialize(schema, event)).toEqual(data);
    }
  });

  test("takes the type from what follows the last slash", () => {
    for (const typeUrl of [
      "example.app.test.v1.Created",
      "/example.app.test.v1.Created",
      "a/b/example.app.test.v1.Created",
    ]) {
      const data = toBinary(AnySchema, create(AnySchema, { typeUrl, value: toBinary(CreatedSchema, created) }));
      expect(binarySerializer.deserialize(data, registry, "t-1")).toEqual(created);
    }
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["an invalid tag", Uint8Array.of(0x1f, 0x00)],
    ["a length beyond the end", Uint8Array.of(0x0a, 0x2f, 0x74)],
    ["JSON", jsonSerializer.serialize(CreatedSchema, created)],
    ["a type URL that ends with a slash", toBinary(AnySchema, create(AnySchema, { typeUrl: "a/" }))],
    [
      "a truncated event",
      toBinary(AnySchema, {
        $typeName: "google.protobuf.Any",
        typeUrl: "/example.app.test.v1.Created",
        value: toBinary(CreatedSchema, created).subarray(0, -1),
      }),
    ],
    [
      "text that isn't UTF-8",
      toBinary(
        AnySchema,
        create(AnySchema, { typeUrl: "/example.app.test.v1.Created", value: Uint8Array.of(0x0a, 1, 0xff) }),
      ),
    ],
  ])("refuses %s as a corrupt record", (_, data) => {
    expect(() => binarySerializer.deserialize(data, registry, "example_app_test_v1#t-1")).toThrow(
      expect.objectContaining({ code: "corrupt_record", details: { key: "example_app_test_v1#t-1" } }),
    );
  });
});

describe("the binary serializer and a map key that an object can't hold", () => {
  /** Gives a map that holds the key all the same, as another language's does. */
  const holding = (value: unknown): { [key: string]: never } =>
    Object.defineProperty({}, "__proto__", { value, enumerable: true });

  const order = create(OrderSchema);
  Object.assign(order, { items: holding(create(LineItemSchema)) });
  const filled = create(FilledInSchema);
  Object.assign(filled, { scores: holding(5n) });

  test.each([
    ["messages, inside a message", OrderSnapshotSchema, { ...create(OrderSnapshotSchema), snapshot: order }],
    ["numbers", FilledInSchema, filled],
  ])("refuses a map of %s", (_, schema, event) => {
    const data = binarySerializer.serialize(schema as typeof FilledInSchema, event as FilledIn);
    expect(() => binarySerializer.deserialize(data, registry, "o-1")).toThrow(
      expect.objectContaining({ code: "corrupt_record", message: expect.stringContaining("__proto__") }),
    );
  });
});

describe("the JSON serializer", () => {
  test("writes the canonical JSON of the Any", () => {
    expect(JSON.parse(new TextDecoder().decode(jsonSerializer.serialize(CreatedSchema, created)))).toEqual({
      "@type": "type.googleapis.com/example.app.test.v1.Created",
      id: "t-1",
      version: "1",
      at: "1700000000000000",
      actor: "me",
      body: "hi",
    });
  });

  test("reads each golden event, and writes JSON that means the same", () => {
    const events = goldenData("test_v1_jsonserializer");
    expect(events.length).toBeGreaterThan(0);
    for (const { version, data } of events) {
      const event = jsonSerializer.deserialize(data, registry, "golden");
      expect(event).toHaveProperty("version", version);
      const schema = registry.getMessage(event.$typeName);
      const written = schema && jsonSerializer.serialize(schema, event);
      expect(JSON.parse(new TextDecoder().decode(written))).toEqual(JSON.parse(new TextDecoder().decode(data)));
    }
  });

  test("keeps integers above 2^53", () => {
    const event = create(CreatedSchema, { version: 9223372036854775807n, at: -9007199254740993n });
    const data = jsonSerializer.serialize(CreatedSchema, event);
    expect(jsonSerializer.deserialize(data, registry, "t-1")).toEqual(event);
  });

  test.each([
    ["nothing", ""],
    ["a binary event", binarySerializer.serialize(CreatedSchema, created)],
    ["a list", "[]"],
    ["null", "null"],
    ["an object without a type", `{"id":"t-1"}`],
    ["a type that isn't text", `{"@type":7}`],
    ["a value of another type", `{"@type":"/example.app.test.v1.Created","version":"one"}`],
    ["a field that the schema doesn't know", `{"@type":"/example.app.test.v1.Created","colour":"red"}`],
    ["text that isn't UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
    ["more levels than the stack", `${"[".repeat(200_000)}${"]".repeat(200_000)}`],
    ["the prototype as a field", `{"@type":"/example.app.test.v1.Created","__proto__":{"id":"x"}}`],
    [
      "the prototype as a map key",
      `{"@type":"/example.app.order.v1.Snapshot","snapshot":{"items":{"\\u005f_proto__":{"itemId":"x"}}}}`,
    ],
  ])("refuses %s as a corrupt record", (_, data) => {
    expect(() =>
      jsonSerializer.deserialize(typeof data === "string" ? bytes(data) : data, registry, "example_app_test_v1#t-1"),
    ).toThrow(expect.objectContaining({ code: "corrupt_record", details: { key: "example_app_test_v1#t-1" } }));
    expect(Object.hasOwn(Object.prototype, "itemId")).toBe(false);
  });
});

describe.each([
  ["binary", binarySerializer],
  ["JSON", jsonSerializer],
])("the %s serializer", (_, serializer) => {
  test("refuses an event of an unknown type, and says which", () => {
    const data = serializer.serialize(CreatedSchema, created);
    expect(() => serializer.deserialize(data, createRegistry(), "example_app_test_v1#t-1")).toThrow(
      expect.objectContaining({ code: "unhandled_event", details: { typeName: "example.app.test.v1.Created" } }),
    );
  });

  test("keeps the text __proto__ where it is no map key", () => {
    const order = create(OrderSchema, { customerName: "__proto__", items: { "__proto__ ": { itemId: "__proto__" } } });
    const snapshot = create(OrderSnapshotSchema, { id: "__proto__", snapshot: order });
    const data = serializer.serialize(OrderSnapshotSchema, snapshot);
    expect(serializer.deserialize(data, registry, "o-1")).toEqual(snapshot);
  });

  test("refuses a value that the field can't hold", () => {
    const broken = create(CreatedSchema, { id: "t-1" });
    Object.assign(broken, { version: 5.5 });
    expect(() => serializer.serialize(CreatedSchema, broken)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "example.app.test.v1.Created" } }),
    );
  });

  test("keeps maps, nested messages and enums", () => {
    const event: Message = create(OrderSnapshotSchema, {
      id: "o-1",
      version: 50n,
      snapshot: { id: "o-1", state: 2, items: { "i-1": { itemId: "i-1", priceCents: 2n ** 60n } }, billing: {} },
    });
    const read = serializer.deserialize(serializer.serialize(OrderSnapshotSchema, event as never), registry, "o-1");
    expect(equals(OrderSnapshotSchema, read as never, event as never)).toBe(true);
    expect(toJson(OrderSnapshotSchema, read as never)).toEqual(toJson(OrderSnapshotSchema, event as never));
  });
});
