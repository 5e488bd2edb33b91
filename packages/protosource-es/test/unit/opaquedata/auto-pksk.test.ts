import { create, type Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import { autoPKSK, KEY_ATTRIBUTES } from "protosource-es/opaquedata";
import { describe, expect, test } from "vitest";
import {
  BagSchema,
  CreateSchema,
  Kind,
  MarkerSchema,
  type Sample,
  SampleLabelSchema,
  SampleSchema,
  SettingSchema,
  TodoSchema,
} from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { OrderSchema, OrderSummarySchema, State } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { anySample, sample } from "./samples.js";

const keys = autoPKSK(SampleSchema);

/** The keys of a message that aren't `NA`. */
function keysOf(given: { readonly [name: string]: (message: never) => string }, message: Message): object {
  const entries = Object.entries(given).map(([name, key]) => [name, key(message as never)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== "NA"));
}

test("the keys of a schema are derived once", () => {
  expect(autoPKSK(SampleSchema)).toBe(keys);
});

test("there are 42 keys, in the order of their numbers", () => {
  expect(KEY_ATTRIBUTES).toHaveLength(42);
  expect(KEY_ATTRIBUTES.slice(0, 4)).toEqual(["pk", "sk", "gsi1pk", "gsi1sk"]);
  expect(KEY_ATTRIBUTES.at(-1)).toBe("gsi20sk");
  expect(Object.keys(keys)).toEqual(KEY_ATTRIBUTES);
});

test("a projection shares the aggregate's partition, and has indexes of its own name", () => {
  const summary = create(OrderSummarySchema, { id: "o#1", state: State.PLACED, customerId: "c-9", placedAt: -5n });
  expect(keysOf(autoPKSK(OrderSummarySchema), summary)).toEqual({
    pk: "example_app_order_v1#order#id#o#1",
    sk: "PROJ#OrderSummary",
    gsi1pk: "example_app_order_v1#ordersummary#customer_id#c-9",
    gsi1sk: "example_app_order_v1#ordersummary#create_at#0",
    gsi2pk: "example_app_order_v1#ordersummary#state#STATE_PLACED",
    gsi2sk: "example_app_order_v1#ordersummary#placed_at#-5",
  });
  expect(autoPKSK(OrderSchema).pk(create(OrderSchema, { id: "o#1" }))).toBe(autoPKSK(OrderSummarySchema).pk(summary));
});

test("a projection without annotations has the two given keys", () => {
  expect(keysOf(autoPKSK(SampleLabelSchema), create(SampleLabelSchema, { id: "s" }))).toEqual({
    pk: "example_app_keys_v1#sample#id#s",
    sk: "PROJ#SampleLabel",
  });
});

test("another message has the keys that it names", () => {
  const setting = create(SettingSchema, { scope: "mail", name: "from", revision: 12n });
  expect(keysOf(autoPKSK(SettingSchema), setting)).toEqual({
    pk: "example_app_keys_v1#setting#scope#mail#name#from",
    sk: "example_app_keys_v1#setting#revision#12",
  });
});

describe("a message with fields that may be unset", () => {
  const { pk, sk, gsi1pk, gsi1sk, gsi2pk } = autoPKSK(MarkerSchema);

  test("has the sort key of an aggregate when it names none", () => {
    expect(sk(create(MarkerSchema, { code: "x" }))).toBe("AGG");
  });

  test("has keys of zero values for unset fields", () => {
    const marker = create(MarkerSchema);
    expect([pk, gsi1pk, gsi1sk, gsi2pk].map((key) => key(marker))).toEqual([
      "example_app_keys_v1#marker#code#",
      "example_app_keys_v1#marker#person#",
      "example_app_keys_v1#marker#kind#KIND_UNSPECIFIED",
      "example_app_keys_v1#marker#account#0",
    ]);
  });

  test("has the key of the member of a oneof that is set", () => {
    const person = create(MarkerSchema, { target: { case: "person", value: "ann" } });
    expect(gsi1pk(person)).toBe("example_app_keys_v1#marker#person#ann");
    expect(gsi2pk(person)).toBe("example_app_keys_v1#marker#account#0");
    const account = create(MarkerSchema, { target: { case: "account", value: -7n } });
    expect(gsi2pk(account)).toBe("example_app_keys_v1#marker#account#-7");
  });
});

describe("a sparse index", () => {
  const { pk, gsi1pk, gsi2pk, gsi2sk, gsi3pk, gsi3sk } = autoPKSK(TodoSchema);
  const dated = create(TodoSchema, { name: "n", owner: "ann", dueAt: 5n });

  test("has keys of what isn't empty", () => {
    expect(gsi2pk(dated)).toBe("example_app_keys_v1#todo#owner#ann");
    expect(gsi2sk(dated)).toBe("example_app_keys_v1#todo#due_at#5");
    const waiting = create(TodoSchema, { ...dated, kind: Kind.LARGE, waiting: ["bob"] });
    expect(gsi3sk(waiting)).toBe("example_app_keys_v1#todo#kind#KIND_LARGE");
  });

  test.each([
    { waiting: ["bob"] },
    { waiting: ["bob"], kind: Kind.UNSPECIFIED },
    { kind: Kind.LARGE },
    { kind: Kind.LARGE, waiting: [] },
  ])("has none while a field that it needs is unset, unspecified or without an element: %o", (fields) => {
    const todo = create(TodoSchema, { ...dated, ...fields });
    expect([gsi3pk(todo), gsi3sk(todo)]).toEqual(["NA", "NA"]);
  });

  test("leaves the other keys as they are", () => {
    const undated = create(TodoSchema, { name: "n", owner: "ann" });
    expect([pk, gsi1pk, gsi2pk, gsi2sk].map((key) => key(undated))).toEqual([
      "example_app_keys_v1#todo#name#n",
      "example_app_keys_v1#todo#owner#ann",
      "NA",
      "NA",
    ]);
  });
});

test("bytes and lists are spelled in brackets", () => {
  const bag = create(BagSchema, {
    blob: new Uint8Array([1, 2, 255]),
    words: ["a", "b c"],
    weights: [0.1, 1e6],
    kinds: [Kind.LARGE, 7 as Kind],
    blobs: [new Uint8Array([1]), new Uint8Array()],
    amounts: [-1n, 2n],
  });
  const prefix = "example_app_keys_v1#bag#";
  expect(keysOf(autoPKSK(BagSchema), bag)).toEqual({
    pk: `${prefix}blob#[1 2 255]`,
    sk: `${prefix}words#[a b c]`,
    gsi1pk: `${prefix}weights#[0.1 1e+06]`,
    gsi1sk: `${prefix}kinds#[KIND_LARGE 7]`,
    gsi2pk: `${prefix}blobs#[[1] []]`,
    gsi2sk: `${prefix}amounts#[-1 2]`,
  });
  expect(autoPKSK(BagSchema).pk(create(BagSchema))).toBe(`${prefix}blob#[]`);
});

test("a message without annotations has no keys", () => {
  expect(() => autoPKSK(CreateSchema)).toThrow(
    expect.objectContaining({ code: "not_keyed", details: { typeName: "example.app.keys.v1.Create" } }),
  );
});

test("an enum's key is the first name of its number, and the digits of an unknown one", () => {
  expect(keys.gsi15sk(sample({ kind: Kind.LITTLE }))).toBe("example_app_keys_v1#sample#kind#KIND_SMALL");
  expect(keys.gsi15sk(sample({ kind: 17 as Kind }))).toBe("example_app_keys_v1#sample#kind#17");
  expect(keys.gsi15sk(sample({ kind: -1 as Kind }))).toBe("example_app_keys_v1#sample#kind#-1");
});

test("every key of any sample is its prefix, and the name and value of each field", () => {
  const kinds: Record<number, string> = { 0: "KIND_UNSPECIFIED", 1: "KIND_SMALL", 2: "KIND_LARGE" };
  const single: readonly (readonly [gsi: number, name: string, value: (s: Sample) => unknown])[] = [
    [3, "int32_value", (s) => s.int32Value],
    [4, "int64_value", (s) => s.int64Value],
    [5, "uint32_value", (s) => s.uint32Value],
    [6, "uint64_value", (s) => s.uint64Value],
    [7, "sint32_value", (s) => s.sint32Value],
    [8, "sint64_value", (s) => s.sint64Value],
    [9, "fixed32_value", (s) => s.fixed32Value],
    [10, "fixed64_value", (s) => s.fixed64Value],
    [11, "sfixed32_value", (s) => s.sfixed32Value],
    [12, "sfixed64_value", (s) => s.sfixed64Value],
    [13, "bool_value", (s) => s.boolValue],
    [14, "string_value", (s) => s.stringValue],
    [15, "kind", (s) => kinds[s.kind] ?? s.kind],
    [16, "create_at", (s) => s.createAt],
    [17, "modify_at", (s) => s.modifyAt],
  ];
  const prefix = "example_app_keys_v1#sample";
  fc.assert(
    fc.property(anySample, (s) => {
      const kind = kinds[s.kind] ?? String(s.kind);
      const expected: Record<string, string> = {
        pk: `${prefix}#id#${s.id}`,
        sk: "AGG",
        gsi18pk: `${prefix}#constructor#${s.constructor$}#region#${s.region}`,
        gsi18sk: `${prefix}#kind#${kind}#int64_value#${s.int64Value}`,
        gsi19pk: `${prefix}#string_value#${s.stringValue}#bool_value#${s.boolValue}#kind#${kind}`,
        gsi19sk: "NA",
        gsi20pk: `${prefix}#constructor#${s.constructor$}`,
        gsi20sk: `${prefix}#string_value#${s.stringValue}#region#${s.region}`,
      };
      for (const [gsi, name, value] of single) {
        expected[`gsi${gsi}pk`] = `${prefix}#bucket#${s.bucket}`;
        expected[`gsi${gsi}sk`] = `${prefix}#${name}#${String(value(s))}`;
      }
      for (const [name, key] of Object.entries(expected)) expect(keys[name as keyof typeof keys](s)).toBe(key);
    }),
  );
});

describe("floats", () => {
  const double = (value: number): string => tail(keys.gsi1sk(sample({ doubleValue: value })));
  const float = (value: number): string => tail(keys.gsi2sk(sample({ floatValue: value })));
  const tail = (key: string): string => key.slice(key.lastIndexOf("#") + 1);

  test.each([
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [-1.5, "-1.5"],
    [999_999, "999999"],
    [999_999.5, "999999.5"],
    [1e6, "1e+06"],
    [1_234_567, "1.234567e+06"],
    [123_456_789, "1.23456789e+08"],
    [0.0001, "0.0001"],
    [0.00012345, "0.00012345"],
    [0.00001, "1e-05"],
    [-0.000012, "-1.2e-05"],
    [1e100, "1e+100"],
    [1e-7, "1e-07"],
    [5e-324, "5e-324"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [0.1 + 0.2, "0.30000000000000004"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
  ])("the double %d is %s", (value, text) => {
    expect(double(value)).toBe(text);
  });

  test.each([
    [0, "0"],
    [-0, "-0"],
    [1 / 3, "0.33333334"],
    [Math.fround(1 / 3), "0.33333334"],
    [0.1, "0.1"],
    [16_777_216, "1.6777216e+07"],
    [999_999.9, "999999.9"],
    [-1e-5, "-1e-05"],
    [2 ** -149, "1e-45"],
    [2 ** -126, "1.1754944e-38"],
    [3.4028234663852886e38, "3.4028235e+38"],
    // Three powers of two whose nearest eight digits belong to the float below.
    [2 ** -96, "1.2621775e-29"],
    [2 ** 87, "1.5474251e+26"],
    [2 ** 90, "1.2379401e+27"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
  ])("the float %d is %s", (value, text) => {
    expect(float(value)).toBe(text);
  });

  /** What a text of a finite number must be, whatever made it. */
  function expectSpelling(text: string, value: number, round: (value: number) => number): void {
    expect(round(Number(text))).toBe(value);
    const size = Math.abs(Number(text));
    expect(text).toMatch(size !== 0 && (size >= 1e6 || size < 1e-4) ? /^-?\d(\.\d+)?e[+-]\d{2,3}$/ : /^-?\d+(\.\d+)?$/);
    const digits = text
      .replace(/e.*/, "")
      .replace(/[-.]/g, "")
      .replace(/^0+|0+$/g, "");
    if (digits.length < 2) return;
    // With one digit less, neither the nearest number nor its neighbours are the value.
    const [short = "", exponent = ""] = value.toExponential(digits.length - 2).split("e");
    const last = Number(short.replace(".", ""));
    const power = Number(exponent) - (digits.length - 2);
    for (const step of [-1, 0, 1]) expect(round(Number(`${last + step}e${power}`))).not.toBe(value);
  }

  test("any double has its shortest digits", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expectSpelling(double(value), value, (x) => x);
      }),
    );
  });

  test("any float has its shortest digits", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expectSpelling(float(value), value, Math.fround);
      }),
      { numRuns: 2000 },
    );
  });

  test("every power of two has its shortest digits", () => {
    for (let power = -149; power < 128; power++) expectSpelling(float(2 ** power), 2 ** power, Math.fround);
  });
});
