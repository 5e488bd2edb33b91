import {
  checkQuery,
  checkRow,
  isExpired,
  type OpaqueQuery,
  type OpaqueRow,
  opaqueDataFromMessage,
  rowKeys,
} from "protosource-es/opaquedata";
import { describe, expect, test } from "vitest";
import { SampleSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { sample } from "./samples.js";

const row: OpaqueRow = opaqueDataFromMessage(SampleSchema, sample({ id: "s" }), { clock: { now: () => 0n } });

describe("a query", () => {
  test.each<Partial<OpaqueQuery>>([
    {},
    { index: 0, consistent: true },
    { index: 20, consistent: false, limit: 1, reverse: true },
    { partition: "p".repeat(2048), sort: { op: "eq", value: "s".repeat(1024) } },
    { partition: "é".repeat(1024) },
    { sort: { op: "between", low: "a", high: "a" } },
    // By UTF-16 units the high bound would be the lower one.
    { sort: { op: "between", low: "\uffff", high: "\u{10000}" } },
    { sort: { op: "begins_with", value: "a" } },
  ])("like %j is allowed", (query) => {
    expect(() => checkQuery({ partition: "p", ...query })).not.toThrow();
  });

  test.each<[object, string]>([
    [{ index: 21 }, "index"],
    [{ index: -1 }, "index"],
    [{ index: 1.5 }, "index"],
    [{ index: "1" }, "index"],
    [{ index: Number.NaN }, "index"],
    [{ index: 1, consistent: true }, "consistent"],
    [{ partition: "" }, "partition"],
    [{ partition: undefined }, "partition"],
    [{ limit: 0 }, "limit"],
    [{ limit: -1 }, "limit"],
    [{ limit: 1.5 }, "limit"],
    [{ limit: Number.POSITIVE_INFINITY }, "limit"],
    [{ limit: "1" }, "limit"],
    [{ sort: { op: "eq", value: "" } }, "sort.value"],
    [{ sort: { op: "lt" } }, "sort.value"],
    [{ sort: { op: "begins_with", value: "" } }, "sort.value"],
    [{ sort: { op: "between", low: "a" } }, "sort.high"],
    [{ sort: { op: "between", high: "a" } }, "sort.low"],
    [{ sort: { op: "between", low: "b", high: "a" } }, "sort"],
    [{ sort: { op: "between", low: "\u{10000}", high: "\uffff" } }, "sort"],
    [{ sort: { op: "like", value: "a" } }, "sort"],
  ])("like %j is refused", (query, argument) => {
    expect(() => checkQuery({ partition: "p", ...query } as OpaqueQuery)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument } }),
    );
  });

  test.each<[Partial<OpaqueQuery>, object]>([
    [{ partition: "p".repeat(2049) }, { what: "partition", size: 2049, limit: 2048 }],
    [{ sort: { op: "ge", value: "é".repeat(513) } }, { what: "sort.value", size: 1026, limit: 1024 }],
    [{ sort: { op: "between", low: "a", high: "b".repeat(1025) } }, { what: "sort.high", size: 1025, limit: 1024 }],
  ])("with a key that is too long is refused", (query, details) => {
    expect(() => checkQuery({ partition: "p", ...query })).toThrow(
      expect.objectContaining({ code: "too_large", details }),
    );
  });
});

describe("a row", () => {
  test("with keys of the greatest lengths is allowed", () => {
    const long = { pk: "p".repeat(2048), sk: "s".repeat(1024), gsi20pk: "é".repeat(1024), gsi20sk: "é".repeat(512) };
    expect(() => checkRow({ ...row, ...long })).not.toThrow();
  });

  test.each<[Partial<OpaqueRow>, string]>([
    [{ pk: "" }, "pk"],
    [{ sk: "" }, "sk"],
    [{ version: -1n }, "version"],
  ])("with %o is refused", (change, argument) => {
    expect(() => checkRow({ ...row, ...change })).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument } }),
    );
  });

  test.each<[Partial<OpaqueRow>, object]>([
    [{ pk: "é".repeat(1025) }, { what: "pk", size: 2050, limit: 2048 }],
    [{ sk: "s".repeat(1025) }, { what: "sk", size: 1025, limit: 1024 }],
    [{ gsi7pk: "\u{1f600}".repeat(513) }, { what: "gsi7pk", size: 2052, limit: 2048 }],
    [{ gsi20sk: "€".repeat(342) }, { what: "gsi20sk", size: 1026, limit: 1024 }],
  ])("with a key that is too long is refused", (change, details) => {
    expect(() => checkRow({ ...row, ...change })).toThrow(expect.objectContaining({ code: "too_large", details }));
  });

  test.each([
    [0n, 0n, false],
    [0n, 5n, false],
    [5n, 4n, false],
    [5n, 5n, true],
    [5n, 6n, true],
    [-1n, 0n, true],
  ])("that expires at %d has expired at %d: %s", (t, now, expired) => {
    expect(isExpired({ ...row, t }, now)).toBe(expired);
  });

  test.each<[Partial<OpaqueRow>, object | undefined]>([
    [
      { gsi6pk: "p", gsi6sk: "s" },
      { pk: "p", sk: "s" },
    ],
    [
      { gsi6pk: "p", gsi6sk: "" },
      { pk: "p", sk: "NA" },
    ],
    [{ gsi6pk: "", gsi6sk: "s" }, undefined],
    [{ gsi6pk: "NA", gsi6sk: "s" }, undefined],
  ])("with %o lies in the index under %o", (change, keys) => {
    expect(rowKeys({ ...row, ...change }, 6)).toEqual(keys);
  });
});
