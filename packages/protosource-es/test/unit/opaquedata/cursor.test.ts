import fc from "fast-check";
import {
  decodeCursor,
  encodeCursor,
  type GsiNumber,
  type OpaqueRow,
  opaqueDataFromMessage,
} from "protosource-es/opaquedata";
import { describe, expect, test } from "vitest";
import { SampleSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { sample } from "./samples.js";

const empty: OpaqueRow = opaqueDataFromMessage(SampleSchema, sample({ id: "s" }), { ttlSeconds: 0 });
const row: OpaqueRow = { ...empty, pk: "p", sk: "s", gsi1pk: "ip", gsi1sk: "is", gsi2pk: "ip", gsi2sk: "is" };

test("a cursor gives back the keys of its row, whatever they are", () => {
  const key = fc.string({ unit: "binary", minLength: 1 }).filter((text) => text !== "NA");
  const index = fc.integer({ min: 0, max: 20 }) as fc.Arbitrary<GsiNumber | 0>;
  fc.assert(
    fc.property(key, key, key, key, index, (pk, sk, indexPk, indexSk, gsi) => {
      const held = { ...empty, pk, sk, ...(gsi === 0 ? {} : { [`gsi${gsi}pk`]: indexPk, [`gsi${gsi}sk`]: indexSk }) };
      const cursor = encodeCursor(gsi, held);
      expect(cursor).toMatch(/^[\w-]+$/);
      const partition = gsi === 0 ? pk : indexPk;
      const position = { pk, sk, indexSk: gsi === 0 ? sk : indexSk };
      expect(decodeCursor(cursor, { index: gsi, partition })).toEqual(position);
    }),
  );
});

test("a cursor says nothing of its row but the keys of the query", () => {
  const other = { ...row, gsi1pk: "other", body: new Uint8Array([1]), t: 5n, version: 6n };
  expect(encodeCursor(2, other)).toBe(encodeCursor(2, row));
});

test.each(["x", "\0", '"'])("the longest keys make a cursor, of %j too", (letter) => {
  const long = {
    ...row,
    pk: letter.repeat(2048),
    sk: letter.repeat(1024),
    gsi20pk: letter.repeat(2048),
    gsi20sk: letter.repeat(1024),
  };
  expect(decodeCursor(encodeCursor(20, long), { index: 20, partition: long.gsi20pk })).toEqual({
    pk: long.pk,
    sk: long.sk,
    indexSk: long.gsi20sk,
  });
});

test("a row that an index doesn't hold makes no cursor", () => {
  expect(() => encodeCursor(3, { ...row, gsi3pk: "" })).toThrow(
    expect.objectContaining({ code: "invalid_argument", details: { argument: "row" } }),
  );
});

describe("a cursor is refused", () => {
  const cursor = encodeCursor(1, row);

  test.each([
    ["of another index", cursor, { index: 2, partition: "ip" }],
    ["of the table", encodeCursor(0, row), { index: 1, partition: "ip" }],
    ["of another partition", cursor, { index: 1, partition: "p" }],
    ["outside the sort keys", cursor, { index: 1, partition: "ip", sort: { op: "lt", value: "is" } }],
    ["that is empty", "", { index: 1, partition: "ip" }],
    ["that is no base64", "$$$", { index: 1, partition: "ip" }],
    ["that is cut", cursor.slice(0, -3), { index: 1, partition: "ip" }],
    ["with more behind it", `${cursor}AAAA`, { index: 1, partition: "ip" }],
    ["that is another spelling", `${cursor}=`, { index: 1, partition: "ip" }],
    ["that is far too long", "A".repeat(1_000_000), { index: 1, partition: "ip" }],
    ["that is no text", 5 as unknown as string, { index: 1, partition: "ip" }],
  ] as const)("%s", (_, given, query) => {
    expect(() => decodeCursor(given, query)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "cursor" } }),
    );
  });

  test("unless it is whole: no byte of it can be changed unnoticed into another index or partition", () => {
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), fc.constantFrom(..."ABCDwxyz0189-_"), (at, character) => {
        const changed = cursor.slice(0, at) + character + cursor.slice(at + 1);
        try {
          const position = decodeCursor(changed, { index: 1, partition: "ip" });
          expect(Object.values(position).every((key) => key !== "")).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_argument" });
        }
      }),
    );
  });
});
