/** JSON events of other writers, whose integers come in quotes or not, and types that lie behind an event's imports. */
import { create, createRegistry, type DescMessage, type Message } from "@bufbuild/protobuf";
import { anyPack, anyUnpack, DurationSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { createJsonSerializer, jsonSerializer } from "protosource-es/serializer";
import { describe, expect, test } from "vitest";
import { compileProto } from "../../compile-proto.js";
import { CreatedSchema } from "../../gen/example/app/test/v1/test_v1_pb.js";

const registry = compileProto({
  "numbers.proto": `
syntax = "proto3";
package numbers;
import "google/protobuf/any.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
import "near.proto";
message Counted {
  int64 signed = 1;
  uint64 unsigned = 2;
  sfixed64 fixed = 3;
  repeated int64 many = 4;
  map<string, int64> by_name = 5;
  map<string, Counted> inner = 6;
  google.protobuf.Int64Value wrapped = 7;
  double real = 8;
  google.protobuf.Value free = 9;
  repeated google.protobuf.Value free_ones = 10;
  google.protobuf.Struct record = 11;
  google.protobuf.Any any = 12;
  int32 small = 13;
  near.Near near = 14;
}
`,
  "near.proto": `syntax = "proto3"; package near; import "far.proto"; message Near { far.Far far = 1; }`,
  "far.proto": `syntax = "proto3"; package far; message Far { int64 distance = 1; }`,
});

function schemaOf(typeName: string): DescMessage {
  const schema = registry.getMessage(typeName);
  if (schema === undefined) throw new Error(`there is no ${typeName}`);
  return schema;
}

const Counted = schemaOf("numbers.Counted");

function read(fields: string): Record<string, unknown> {
  const text = `{"@type":"type.googleapis.com/numbers.Counted",${fields}}`;
  return jsonSerializer.deserialize(new TextEncoder().encode(text), registry, "c-1") as Message &
    Record<string, unknown>;
}

describe("an integer of a JSON event", () => {
  test("is the same in quotes and without, whatever its size", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (integer) => {
        expect(read(`"signed":${integer},"fixed":"${integer}"`)).toMatchObject({ signed: integer, fixed: integer });
      }),
    );
  });

  test.each([
    ["in a list", `"many":[9007199254740993,1]`, { many: [9007199254740993n, 1n] }],
    ["in a map", `"byName":{"a":9007199254740993}`, { byName: { a: 9007199254740993n } }],
    ["deeper", `"inner":{"a":{"signed":9007199254740993}}`, { inner: { a: { signed: 9007199254740993n } } }],
    ["in a wrapper", `"wrapped":9007199254740993`, { wrapped: 9007199254740993n }],
    ["without a sign", `"unsigned":18446744073709551615`, { unsigned: 18446744073709551615n }],
    ["under the name of the .proto", `"by_name":{"a":9007199254740993}`, { byName: { a: 9007199254740993n } }],
    ["with an exponent", `"signed":9.007199254740993e15`, { signed: 9007199254740993n }],
    ["with a point", `"signed":9007199254740993.0,"small":1.0`, { signed: 9007199254740993n, small: 1 }],
    ["with zeros that an exponent takes", `"signed":90071992547409930e-1`, { signed: 9007199254740993n }],
    ["of thousands", `"signed":1e3,"small":-2e1`, { signed: 1000n, small: -20 }],
    ["of zero", `"signed":-0,"unsigned":0e5`, { signed: 0n, unsigned: 0n }],
    ["in a double", `"real":9007199254740993`, { real: 9007199254740992 }],
    ["of a double's size", `"real":1e300`, { real: 1e300 }],
  ])("keeps its value %s", (_, fields, expected) => {
    expect(read(fields)).toMatchObject(expected);
  });

  test.each([
    ["a fraction that a double rounds to an integer", `"signed":9007199254740992.5`],
    ["more than the field holds", `"signed":9223372036854775808`],
    ["more than any double", `"signed":1e999`],
  ])("is corrupt as %s", (_, fields) => {
    expect(() => read(fields)).toThrow(expect.objectContaining({ code: "corrupt_record" }));
  });

  test("stays a number in what is of a free form, and a text that looks like one stays a text", () => {
    const event = read(
      `"signed":9007199254740993,"free":1152921504606847000,"freeOnes":[9007199254740993,"9007199254740993"],` +
        `"record":{"a":1e21,"b":"\\"1e21"}`,
    );
    expect(event).toMatchObject({
      signed: 9007199254740993n,
      free: { kind: { case: "numberValue", value: 2 ** 60 } },
      freeOnes: [
        { kind: { case: "numberValue", value: 2 ** 53 } },
        { kind: { case: "stringValue", value: "9007199254740993" } },
      ],
      record: { a: 1e21, b: '"1e21' },
    });
  });

  test("keeps its value in an Any, and what is of a free form there as well", () => {
    const inside = (json: string) => anyUnpack(read(`"any":${json}`)["any"] as never, registry);
    const url = "type.googleapis.com/";
    expect(inside(`{"@type":"${url}numbers.Counted","signed":9007199254740993}`)).toMatchObject({
      signed: 9007199254740993n,
    });
    expect(inside(`{"@type":"${url}google.protobuf.Int64Value","value":9007199254740993}`)).toMatchObject({
      value: 9007199254740993n,
    });
    expect(inside(`{"@type":"${url}google.protobuf.Value","value":9007199254740993}`)).toMatchObject({
      kind: { case: "numberValue", value: 2 ** 53 },
    });
  });
});

describe("a name of a JSON event", () => {
  test.each([
    ["of a field", `"signed":1,"signed":2`],
    ["of a field, of the same value", `"signed":1, "signed" : 1`],
    ["of a field in two spellings of the text", `"signed":1,"sign\\u0065d":2`],
    ["of a map's entry", `"byName":{"a":1,"a":2}`],
    ["in a list, and deep", `"inner":{"a":{"inner":{"b":{"signed":1,"signed":2}}}}`],
    ["of a free form", `"free":[{"a":1,"a":1}]`],
    ["of the type", `"@type":"type.googleapis.com/numbers.Counted"`],
    ["in both spellings of a field", `"byName":{"a":1},"by_name":{"b":2}`],
  ])("that is there twice is corrupt: %s", (_, fields) => {
    expect(() => read(fields)).toThrow(expect.objectContaining({ code: "corrupt_record" }));
  });

  test("may be that of another object, and stand in a text", () => {
    const event = read(`"byName":{"signed":1},"signed":2,"record":{"a":"\\"a\\":1,","b":["a:","a:"]}`);
    expect(event).toMatchObject({ byName: { signed: 1n }, signed: 2n, record: { a: '"a":1,', b: ["a:", "a:"] } });
  });
});

describe("an Any in a JSON event", () => {
  const holding = (message: Message, schema: DescMessage) =>
    create(Counted, { any: anyPack(schema, message) } as never) as Message;

  test("holds a type from a file behind the event's imports", () => {
    const Far = schemaOf("far.Far");
    const event = holding(create(Far, { distance: 7n } as never), Far);
    const data = jsonSerializer.serialize(Counted, event);
    expect(jsonSerializer.deserialize(data, registry, "c-1")).toEqual(event);
  });

  test("holds a type of elsewhere that the serializer is told of, and no other", () => {
    const event = holding(create(CreatedSchema, { id: "t-1" }), CreatedSchema);
    const serializer = createJsonSerializer({ registry: createRegistry(CreatedSchema, StructSchema) });
    const data = serializer.serialize(Counted, event);
    expect(serializer.deserialize(data, registry, "c-1")).toEqual(event);
    expect(() => jsonSerializer.serialize(Counted, event)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
    expect(() => jsonSerializer.deserialize(data, registry, "c-1")).toThrow(
      expect.objectContaining({ code: "corrupt_record" }),
    );
    const other = holding(create(DurationSchema, { seconds: 1n }), DurationSchema);
    expect(() => serializer.serialize(Counted, other)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});
