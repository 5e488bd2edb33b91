import { clone, create, createFileRegistry, fromBinary, setExtension, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import {
  KEY_ATTRIBUTES,
  type OpaqueRow,
  opaqueDataFromMessage,
  rehydrate,
  rowKey,
  versionOf,
} from "protosource-es/opaquedata";
import { OpaqueDataSchema } from "protosource-es/proto";
import {
  MessageOptionsSchema,
  protosource_message_type,
} from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";
import { describe, expect, test } from "vitest";
import {
  BagSchema,
  CreateSchema,
  file_example_app_keys_v1_keys_v1 as file,
  MarkerSchema,
  SampleLabelSchema,
  SampleSchema,
  SettingSchema,
} from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { OrderSummarySchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { TestSchema } from "../../gen/example/app/test/v1/test_v1_pb.js";
import { anySample, sample } from "./samples.js";

/** The 10th second since 1970, and a half. */
const clock = { now: (): bigint => 10_500_000n };

describe("a row", () => {
  test("survives both encodings, whatever the message", () => {
    fc.assert(
      fc.property(anySample, (message) => {
        const row = opaqueDataFromMessage(SampleSchema, message, { clock, compressThreshold: 40 });
        const copy = fromBinary(OpaqueDataSchema, toBinary(OpaqueDataSchema, row));
        expect(copy).toEqual({ ...row, body: new Uint8Array(row.body) });
        expect(rehydrate(SampleSchema, row)).toEqual(message);
      }),
    );
  });

  test("has nothing where an index doesn't hold the message", () => {
    const row = opaqueDataFromMessage(OrderSummarySchema, create(OrderSummarySchema, { id: "o" }), { clock });
    const written = KEY_ATTRIBUTES.filter((attribute) => row[attribute] !== "");
    expect(written).toEqual(["pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk"]);
  });

  test("has NA for a missing sort key of an index", () => {
    const row = opaqueDataFromMessage(SampleSchema, sample({ id: "s", stringValue: "x" }), { clock });
    expect(row.gsi19pk).toBe("example_app_keys_v1#sample#string_value#x#bool_value#false#kind#KIND_UNSPECIFIED");
    expect(row.gsi19sk).toBe("NA");
  });

  test("doesn't share its bytes with another row", () => {
    const first = opaqueDataFromMessage(SampleSchema, sample({ id: "a" }), { clock });
    const second = opaqueDataFromMessage(SampleSchema, sample({ id: "b" }), { clock });
    expect(second).not.toBe(first);
    expect(first.pk).toBe("example_app_keys_v1#sample#id#a");
    expect(second.body).not.toEqual(first.body);
  });

  test("is refused for a message without annotations", () => {
    const message = create(CreateSchema, { id: "a" });
    expect(() => opaqueDataFromMessage(CreateSchema, message)).toThrow(expect.objectContaining({ code: "not_keyed" }));
  });

  test("is refused for a message that can't be encoded", () => {
    const message = sample({ id: "a", int32Value: 2 ** 31 });
    expect(() => opaqueDataFromMessage(SampleSchema, message)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "message" } }),
    );
  });
});

describe("the body", () => {
  const long = sample({ id: "s".repeat(100), createBy: "ann".repeat(100) });
  const bytes = toBinary(SampleSchema, long);

  test("is gzipped from 300 bytes on", () => {
    expect(bytes.length).toBeGreaterThan(300);
    const { body } = opaqueDataFromMessage(SampleSchema, long);
    expect([...body.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
    expect(body.length).toBeLessThan(bytes.length);
  });

  test.each([0, -1, 10_000])("is kept as it is with a threshold of %d", (compressThreshold) => {
    expect(opaqueDataFromMessage(SampleSchema, long, { compressThreshold }).body).toEqual(bytes);
  });

  test("is empty for an empty message", () => {
    const { body } = opaqueDataFromMessage(MarkerSchema, create(MarkerSchema), { compressThreshold: 1 });
    expect(body).toHaveLength(0);
  });
});

describe("the expiry", () => {
  const rowOf = (ttlSeconds?: number): OpaqueRow =>
    opaqueDataFromMessage(SampleSchema, sample({ id: "s" }), { clock, ttlSeconds });

  test("is what the aggregate's annotation says", () => {
    expect(rowOf().t).toBe(3610n);
    expect(opaqueDataFromMessage(TestSchema, create(TestSchema, { id: "t" }), { clock }).t).toBe(86_410n);
  });

  test("of a projection is that of its aggregate", () => {
    expect(opaqueDataFromMessage(SampleLabelSchema, create(SampleLabelSchema, { id: "s" }), { clock }).t).toBe(3610n);
  });

  test("is none without an annotation", () => {
    expect(opaqueDataFromMessage(SettingSchema, create(SettingSchema), { clock }).t).toBe(0n);
    expect(opaqueDataFromMessage(OrderSummarySchema, create(OrderSummarySchema, { id: "o" }), { clock }).t).toBe(0n);
  });

  test.each([
    [60, 70n],
    [0, 0n],
    [-5, 0n],
    [9_223_372_036, 9_223_372_046n],
  ])("of %d seconds replaces the annotation's", (ttlSeconds, t) => {
    expect(rowOf(ttlSeconds).t).toBe(t);
  });

  test.each([9_223_372_037, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("of %d seconds is refused", (ttlSeconds) => {
    expect(() => rowOf(ttlSeconds)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "ttlSeconds" } }),
    );
  });

  test("of an annotation that is too long is refused", () => {
    const proto = clone(FileDescriptorProtoSchema, file.proto);
    const options = proto.messageType.find(({ name }) => name === "Sample")?.options;
    const role = { case: "aggregate", value: { eventTtlSeconds: 9_223_372_037n } } as const;
    if (options) setExtension(options, protosource_message_type, create(MessageOptionsSchema, { role }));
    const registry = createFileRegistry(proto, (name) => file.dependencies.find((one) => one.proto.name === name));
    const schema = registry.getMessage("example.app.keys.v1.Sample");
    if (!schema) throw new Error("the changed file has no Sample");
    expect(() => opaqueDataFromMessage(schema, create(schema, { id: "s" }))).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });
});

describe("the version", () => {
  test("is that of the message's own field", () => {
    const version = 2n ** 53n + 1n;
    expect(opaqueDataFromMessage(SampleSchema, sample({ id: "s", version })).version).toBe(version);
    expect(opaqueDataFromMessage(SettingSchema, create(SettingSchema, { version: 3n })).version).toBe(3n);
  });

  test("is that of the option before that of the message", () => {
    expect(opaqueDataFromMessage(SampleSchema, sample({ id: "s", version: 4n }), { version: 7n }).version).toBe(7n);
    expect(
      opaqueDataFromMessage(SampleLabelSchema, create(SampleLabelSchema, { id: "s" }), { version: 7n }).version,
    ).toBe(7n);
  });

  test("is unknown otherwise", () => {
    expect(opaqueDataFromMessage(SampleLabelSchema, create(SampleLabelSchema, { id: "s" })).version).toBe(0n);
  });

  test("of a row that has none is read from its body", () => {
    const row = opaqueDataFromMessage(SampleSchema, sample({ id: "s", version: 4n }));
    const read = versionOf(SampleSchema);
    expect(read(row)).toBe(4n);
    expect(read({ ...row, version: 9n })).toBe(9n);
    expect(read({ ...row, version: 0n })).toBe(4n);
    expect(read({ ...row, version: 0n, body: new Uint8Array() })).toBeUndefined();
    expect(read({ ...row, version: 0n, body: new Uint8Array([0xff]) })).toBeUndefined();
    expect(versionOf(SampleLabelSchema)({ ...row, version: 0n })).toBeUndefined();
  });
});

describe("a damaged row", () => {
  const row = opaqueDataFromMessage(SampleSchema, sample({ id: "s\n1", createBy: "x".repeat(2000) }));

  test.each([
    ["bytes that aren't a message", { body: new Uint8Array([0xff, 0xff]) }, {}],
    ["cut gzip", { body: row.body.subarray(0, row.body.length - 9) }, {}],
    ["a body over the limit", {}, { inflateLimit: 1000 }],
  ])("with %s is reported with its key", (_, change, options) => {
    expect(() => rehydrate(SampleSchema, { ...row, ...change }, options)).toThrow(
      expect.objectContaining({
        code: "corrupt_record",
        details: { key: 'pk="example_app_keys_v1#sample#id#s\\n1", sk="AGG"' },
      }),
    );
  });
});

describe("the key of a row", () => {
  test("is that of its message", () => {
    fc.assert(
      fc.property(anySample, (message) => {
        const { pk, sk } = opaqueDataFromMessage(SampleSchema, message);
        fc.pre(message.id.length < 300);
        expect(rowKey(SampleSchema, message.id)).toEqual({ pk, sk });
        expect(rowKey(SampleSchema, { id: message.id })).toEqual({ pk, sk });
      }),
    );
  });

  test("is made from all fields of a message that names its own", () => {
    expect(rowKey(SettingSchema, { scope: "a", name: "", revision: 2n })).toEqual({
      pk: "example_app_keys_v1#setting#scope#a#name#",
      sk: "example_app_keys_v1#setting#revision#2",
    });
    expect(rowKey(MarkerSchema, "x")).toEqual({ pk: "example_app_keys_v1#marker#code#x", sk: "AGG" });
    expect(rowKey(BagSchema, { blob: new Uint8Array([7]), words: ["a"] })).toEqual({
      pk: "example_app_keys_v1#bag#blob#[7]",
      sk: "example_app_keys_v1#bag#words#[a]",
    });
  });

  test.each([
    ["an empty id", SampleSchema, "", "id"],
    ["an id for several fields", SettingSchema, "a", "id"],
    ["a missing field", SettingSchema, { scope: "a", name: "b" }, "revision"],
    ["an unknown field", SampleSchema, { id: "a", bucket: "b" }, "bucket"],
    ["a text for a number", SettingSchema, { scope: "a", name: "b", revision: "two" }, "revision"],
    ["a number beyond its type", SettingSchema, { scope: "a", name: "b", revision: 2n ** 63n }, "revision"],
    ["a number for a text", SampleSchema, { id: 5 }, "id"],
    ["no bytes", BagSchema, { blob: "x", words: [] }, "blob"],
    ["no list", BagSchema, { blob: new Uint8Array(), words: "a" }, "words"],
    ["a list of another type", BagSchema, { blob: new Uint8Array(), words: [1] }, "words"],
    ["nothing", SampleSchema, undefined as never, "fields"],
  ])("is refused for %s", (_, schema, id, argument) => {
    expect(() => rowKey(schema, id)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument } }),
    );
  });

  test("is refused when it is too long", () => {
    expect(() => rowKey(SampleSchema, "é".repeat(1100))).toThrow(
      expect.objectContaining({ code: "too_large", details: { what: "pk", size: 2230, limit: 2048 } }),
    );
  });
});
