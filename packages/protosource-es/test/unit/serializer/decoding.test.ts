/** The default serializer reads events without the protobuf run time's own decoder. Nobody may see a difference. */
import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  type Message,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  AnySchema,
  anyPack,
  Edition,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { binarySerializer } from "protosource-es/serializer";
import { describe, expect, it } from "vitest";

const SCALARS = [
  ScalarType.DOUBLE,
  ScalarType.FLOAT,
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.INT32,
  ScalarType.FIXED64,
  ScalarType.FIXED32,
  ScalarType.BOOL,
  ScalarType.STRING,
  ScalarType.BYTES,
  ScalarType.UINT32,
  ScalarType.SFIXED32,
  ScalarType.SFIXED64,
  ScalarType.SINT32,
  ScalarType.SINT64,
] as const;

/** A schema with a message of every kind of field, in a syntax. */
const PROTO3 = registryOf("proto3");
const EDITION = registryOf("editions");
const kinds = messageOf(PROTO3, "kinds.Kinds");
const explicit = messageOf(EDITION, "kinds.Kinds");

describe.each([
  { syntax: "proto3", registry: PROTO3, schema: kinds },
  { syntax: "an edition with explicit presence", registry: EDITION, schema: explicit },
])("a message of $syntax", ({ registry, schema }) => {
  const bytesOf = initOf()
    .map((init) => toBinary(schema, create(schema, init)))
    // An object loses an entry of this name, which the serializer refuses therefore.
    .filter((bytes) => !Buffer.from(bytes).includes("__proto__"));

  it("is read as by the protobuf run time, whatever it holds", () => {
    fc.assert(
      fc.property(bytesOf, (bytes) => {
        expect(outcome(() => read(registry, schema, bytes))).toStrictEqual(outcome(() => fromBinary(schema, bytes)));
      }),
    );
  });

  it("is read as by the protobuf run time when its fields come twice, out of order, or damaged", () => {
    fc.assert(
      fc.property(bytesOf, bytesOf, edits(), (one, other, edit) => {
        const bytes = edit(new Uint8Array([...one, ...other]));
        expect(outcome(() => read(registry, schema, bytes))).toStrictEqual(outcome(() => fromBinary(schema, bytes)));
      }),
      { numRuns: 500 },
    );
  });
});

describe("a message", () => {
  const bothRead = (bytes: Uint8Array): Message => {
    const message = read(PROTO3, kinds, bytes);
    expect(message).toStrictEqual(fromBinary(kinds, bytes));
    return message;
  };
  const text = number("string_one");

  it("holds numbers at the ends of their ranges", () => {
    const numbers = [0n, 1n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
    for (const n of numbers) {
      const init = { int64One: n, sint64One: n, sfixed64One: n };
      expect(bothRead(toBinary(kinds, create(kinds, init)))).toMatchObject(init);
    }
  });

  it("doesn't take a text for another whose letters are its bytes", () => {
    for (const [first, second] of [
      ["Ã©", "é"],
      ["é", "Ã©"],
      ["abc", "abd"],
      ["", "a"],
    ] as const) {
      for (const value of [first, second, first]) {
        expect(bothRead(toBinary(kinds, create(kinds, { stringOne: value })))).toMatchObject({ stringOne: value });
      }
    }
  });

  it("holds texts of any length, with any letters", () => {
    for (const length of [0, 1, 63, 64, 65, 5_000]) {
      for (const letter of ["a", "é", "€", "😀", "\0", "\ufeff", "\ufffd"]) {
        const stringOne = letter.repeat(length);
        const written = create(kinds, { stringOne });
        expect(read(PROTO3, kinds, toBinary(kinds, written))).toStrictEqual(written);
      }
    }
  });

  it("keeps a byte order mark in front of a text, which the protobuf run time drops", () => {
    const text = "\ufeffa";
    for (const [registry, schema] of [
      [PROTO3, kinds],
      [EDITION, explicit],
    ] as const) {
      // An unknown field leaves the message to the protobuf run time.
      const unknown = new BinaryWriter().tag(9_999, 0).uint32(1).finish();
      for (const more of [new Uint8Array(), unknown]) {
        const bytes = new Uint8Array([...toBinary(schema, create(schema, { stringOne: text })), ...more]);
        expect(fromBinary(schema, bytes)).toMatchObject({ stringOne: "a" });
        expect(read(registry, schema, bytes)).toMatchObject({ stringOne: text });
      }
      expect(() => read(registry, schema, new Uint8Array([0xff]))).toThrow();
    }
    expect(fromBinary(kinds, toBinary(kinds, create(kinds, { stringOne: text })))).toMatchObject({ stringOne: "a" });
  });

  it("is refused where a text isn't UTF-8", () => {
    const bytes = new BinaryWriter()
      .tag(text, 2)
      .bytes(new Uint8Array([0x61, 0xff]))
      .finish();
    expect(() => fromBinary(kinds, bytes)).toThrow();
    expect(() => read(PROTO3, kinds, bytes)).toThrow(expect.objectContaining({ code: "corrupt_record" }));
  });

  it("keeps the fields that its schema doesn't know", () => {
    const known = new BinaryWriter().tag(text, 2).string("a").finish();
    const unknown = [
      new BinaryWriter().tag(9_999, 2).string("b"),
      new BinaryWriter().tag(9_998, 2).string(""),
      new BinaryWriter().tag(9_999, 0).uint32(1),
      new BinaryWriter().tag(2 ** 29 - 1, 2).string("b"),
    ].map((writer) => writer.finish());
    for (const more of [...unknown.map((one) => [one]), unknown]) {
      const bytes = new Uint8Array([known, ...more].flatMap((one) => [...one]));
      expect(bothRead(bytes).$unknown).toHaveLength(more.length);
      expect(toBinary(kinds, bothRead(bytes) as never)).toEqual(bytes);
    }
  });

  it("refuses fields that no schema could have, and such as are cut off", () => {
    for (const bytes of [
      [0x02, 0x00],
      [0x82, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00],
      [0xfa, 0xf0, 0x04, 0x02, 0x61],
    ]) {
      expect(outcome(() => fromBinary(kinds, new Uint8Array(bytes)))).toBe("refused");
      expect(outcome(() => read(PROTO3, kinds, new Uint8Array(bytes)))).toBe("refused");
    }
  });

  it("nests a thousand deep, whoever reads it", () => {
    const nested = (depth: number, innermost: Uint8Array): Uint8Array => {
      let bytes = innermost;
      for (let i = 1; i < depth; i++) bytes = new BinaryWriter().tag(number("inner"), 2).bytes(bytes).finish();
      return bytes;
    };
    const unknown = new BinaryWriter().tag(9_999, 0).uint32(1).finish();
    for (const innermost of [new Uint8Array(), unknown]) {
      for (const depth of [1, 99, 100, 101, 1_000]) {
        let message: object | undefined = read(PROTO3, kinds, nested(depth, innermost));
        let found = 0;
        for (; message !== undefined; message = (message as { readonly inner?: object }).inner) found++;
        expect(found).toBe(depth);
      }
      expect(outcome(() => read(PROTO3, kinds, nested(1_001, innermost)))).toBe("refused");
    }
  });

  it("shares no list, map or choice with another", () => {
    const one = read(PROTO3, kinds, new Uint8Array()) as unknown as Shared;
    one.stringList.push("a");
    one.stringMap["a"] = "b";
    one.choice.case = "chosenText";
    expect(read(PROTO3, kinds, new Uint8Array())).toStrictEqual(create(kinds));
  });
});

/** What a message could share with the next by mistake. */
interface Shared {
  readonly stringList: string[];
  readonly stringMap: Record<string, string>;
  readonly choice: { case: string | undefined };
}

function read(registry: FileRegistry, schema: DescMessage, bytes: Uint8Array): Message {
  const data = toBinary(AnySchema, { ...anyPack(schema, create(schema)), value: bytes });
  return binarySerializer.deserialize(data, registry, "the record");
}

function outcome(run: () => Message): Message | "refused" {
  try {
    return run();
  } catch {
    return "refused";
  }
}

/** Changes that damage bytes, or don't: to flip, take out and put in. */
function edits(): fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> {
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const edit = fc.record({ kind: fc.constantFrom("none", "set", "remove", "insert"), place, byte: fc.nat(255) });
  return fc.array(edit, { maxLength: 2 }).map((changes) => (bytes) => {
    const list = [...bytes];
    for (const { kind, place, byte } of changes) {
      const at = Math.floor(place * list.length);
      if (kind === "set") list.splice(at, 1, byte);
      if (kind === "remove") list.splice(at, 1);
      if (kind === "insert") list.splice(at, 0, byte);
    }
    return new Uint8Array(list);
  });
}

/** Values for some of the fields. */
function initOf(): fc.Arbitrary<MessageInitShape<DescMessage>> {
  const leaf = fc.record({ stringOne: fc.string({ unit: "binary" }), int32List: fc.array(fc.integer()) });
  const fields: Record<string, fc.Arbitrary<unknown>> = {
    inner: leaf,
    innerList: fc.array(leaf, { maxLength: 3 }),
    innerMap: fc.dictionary(fc.string(), leaf, { maxKeys: 3 }),
    numberMap: fc.dictionary(fc.integer().map(String), fc.boolean(), { maxKeys: 3 }),
    color: fc.integer({ min: -3, max: 3 }),
    colorList: fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 3 }),
    due: fc.record({ seconds: fc.bigInt({ min: 0n, max: 253402300799n }), nanos: fc.nat(999_999_999) }),
    remark: fc.string(),
    remarkList: fc.array(fc.record({ value: fc.string() }), { maxLength: 2 }),
    anything: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean()), { maxKeys: 2 }),
    choice: fc.oneof(
      fc.record({ case: fc.constant("chosenText"), value: fc.string() }),
      fc.record({ case: fc.constant("chosenInner"), value: leaf }),
    ),
  };
  for (const scalar of SCALARS) {
    const name = ScalarType[scalar].toLowerCase();
    const value = valuesOf(scalar);
    fields[`${name}One`] = value;
    fields[`${name}Optional`] = value;
    fields[`${name}List`] = fc.array(value, { maxLength: 4 });
    fields[`${name}Map`] = fc.dictionary(fc.string(), value, { maxKeys: 3 });
  }
  return fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<MessageInitShape<DescMessage>>;
}

function valuesOf(scalar: ScalarType): fc.Arbitrary<unknown> {
  switch (scalar) {
    case ScalarType.STRING:
      return fc.oneof(fc.constantFrom("ann@example.com", "i-000917"), fc.string({ unit: "binary" }));
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 20 });
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.DOUBLE:
      return fc.double();
    case ScalarType.FLOAT:
      return fc.float();
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.oneof(
        fc.bigInt({ min: -300n, max: 300n }),
        fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      );
    default:
      return fc.oneof(fc.integer({ min: -300, max: 300 }), fc.integer());
  }
}

function messageOf(registry: FileRegistry, name: string): DescMessage {
  const schema = registry.getMessage(name);
  if (!schema) throw new Error(`there is no ${name}`);
  return schema;
}

function number(name: string): number {
  const field = kinds.fields.find((field) => field.name === name);
  if (!field) throw new Error(`there is no field ${name}`);
  return field.number;
}

function registryOf(syntax: "proto3" | "editions"): FileRegistry {
  const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;
  const { ENUM, MESSAGE } = FieldDescriptorProto_Type;
  const INNER = { type: MESSAGE, typeName: ".kinds.Kinds" };
  const fields: FieldDescriptorProto[] = [];
  const entries: { name: string; field: FieldDescriptorProto[]; options: { mapEntry: true } }[] = [];
  const oneofs = [{ name: "choice" }];
  const add = (name: string, init: MessageInitShape<typeof FieldDescriptorProtoSchema>): void => {
    fields.push(create(FieldDescriptorProtoSchema, { name, number: fields.length + 1, label: OPTIONAL, ...init }));
  };
  const addMap = (name: string, key: ScalarType, value: MessageInitShape<typeof FieldDescriptorProtoSchema>): void => {
    const entry = `${name.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())}Entry`;
    const part = (init: MessageInitShape<typeof FieldDescriptorProtoSchema>): FieldDescriptorProto =>
      create(FieldDescriptorProtoSchema, { label: OPTIONAL, ...init });
    const field = [part({ name: "key", number: 1, type: key as number }), part({ name: "value", number: 2, ...value })];
    entries.push({ name: entry, field, options: { mapEntry: true } });
    add(name, { label: REPEATED, type: MESSAGE, typeName: `.kinds.Kinds.${entry}` });
  };
  // The first are the ones that a tag of one byte names.
  for (const scalar of SCALARS) add(`${ScalarType[scalar].toLowerCase()}_one`, { type: scalar as number });
  add("inner", INNER);
  add("inner_list", { ...INNER, label: REPEATED });
  addMap("inner_map", ScalarType.STRING, INNER);
  addMap("number_map", ScalarType.INT32, { type: FieldDescriptorProto_Type.BOOL });
  add("color", { type: ENUM, typeName: ".kinds.Color" });
  add("color_list", { type: ENUM, typeName: ".kinds.Color", label: REPEATED });
  add("due", { type: MESSAGE, typeName: ".google.protobuf.Timestamp" });
  add("remark", { type: MESSAGE, typeName: ".google.protobuf.StringValue" });
  add("remark_list", { type: MESSAGE, typeName: ".google.protobuf.StringValue", label: REPEATED });
  add("anything", { type: MESSAGE, typeName: ".google.protobuf.Struct" });
  add("chosen_text", { type: FieldDescriptorProto_Type.STRING, oneofIndex: 0 });
  add("chosen_inner", { ...INNER, oneofIndex: 0 });
  for (const scalar of SCALARS) {
    const name = ScalarType[scalar].toLowerCase();
    const type = scalar as number;
    add(`${name}_list`, { type, label: REPEATED });
    addMap(`${name}_map`, ScalarType.STRING, { type });
    if (syntax === "proto3") {
      add(`${name}_optional`, { type, proto3Optional: true, oneofIndex: oneofs.length });
      oneofs.push({ name: `_${name}_optional` });
    } else {
      add(`${name}_optional`, { type });
    }
  }
  const wellKnown = [file_google_protobuf_timestamp, file_google_protobuf_wrappers, file_google_protobuf_struct];
  const file = {
    name: "kinds.proto",
    package: "kinds",
    syntax,
    ...(syntax === "editions" ? { edition: Edition.EDITION_2023 } : {}),
    dependency: wellKnown.map(({ proto }) => proto.name),
    messageType: [{ name: "Kinds", field: fields, oneofDecl: oneofs, nestedType: entries }],
    enumType: [{ name: "Color", value: ["NONE", "RED", "BLUE"].map((name, number) => ({ name, number })) }],
  };
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...wellKnown.map(({ proto }) => proto), file] }));
}
