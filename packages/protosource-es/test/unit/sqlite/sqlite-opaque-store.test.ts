import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MemoryOpaqueStore } from "protosource-es/memory";
import type { OpaqueQuery, OpaqueStore, SortCondition } from "protosource-es/opaquedata";
import { type OpaqueData, OpaqueDataSchema } from "protosource-es/proto";
import { SqliteOpaqueStore } from "protosource-es/sqlite";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { drivers, testFolder } from "../../integration/sqlite/drivers.js";

/** Text of characters at which encodings and orders part. */
const text = fc
  .array(fc.constantFrom("\0", "\u0001", "\u0002", "a", "%", "é", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{10FFFF}"), {
    minLength: 1,
    maxLength: 4,
  })
  .map((characters) => characters.join(""));

const sort: fc.Arbitrary<SortCondition> = fc.oneof(
  fc.record({ op: fc.constantFrom("eq", "lt", "le", "gt", "ge", "begins_with"), value: text }),
  fc.record({ op: fc.constant("between" as const), low: text, high: text }),
  fc.constantFrom("\u{10FFFF}", "a\u{10FFFF}", "\u{D7FF}").map((value) => ({ op: "begins_with" as const, value })),
);

const row = fc.record({
  pk: fc.constantFrom("p", "p\0"),
  sk: text,
  version: fc.constantFrom(0n, 1n, 2n),
  t: fc.constantFrom(0n, 0n, 1n, 4_000_000_000n),
  gsi1pk: fc.constantFrom("", "NA", "q"),
  gsi1sk: fc.oneof(fc.constant(""), text),
});

describe.each(drivers)("SqliteOpaqueStore on $name", ({ driver }) => {
  test("finds what a MemoryOpaqueStore finds, whatever the keys, conditions and pages", async () => {
    const folder = testFolder();
    const database = folder.open("model.db", { driver, synchronous: "NORMAL" });
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { maxLength: 20 }),
          fc.array(fc.tuple(fc.constantFrom("p", "p\0"), text), { maxLength: 3 }),
          fc.option(sort, { nil: undefined }),
          fc.boolean(),
          fc.integer({ min: 1, max: 4 }),
          async (rows, deleted, condition, reverse, limit) => {
            const clock = new FakeClock();
            const stores: OpaqueStore[] = [
              new MemoryOpaqueStore({ clock }),
              new SqliteOpaqueStore(database, { clock }),
            ];
            const found = await Promise.all(
              stores.map(async (store) => {
                const outcomes = [];
                for (const one of rows) outcomes.push(await store.put(create(OpaqueDataSchema, one)));
                for (const [pk, sk] of deleted) await store.delete({ pk, sk });
                const read = [];
                for (const { pk, sk } of rows) read.push(await store.get({ pk, sk }));
                const query = { sort: condition, reverse, limit };
                const pages = [
                  await pagesOf(store, { ...query, partition: "p" }),
                  await pagesOf(store, { ...query, partition: "p\0" }),
                  await pagesOf(store, { ...query, index: 1, partition: "q" }),
                  await pagesOf(store, { ...query, index: 1, partition: "NA" }),
                ];
                return { outcomes, read: read.map((one) => one && asIndexed(one)), pages };
              }),
            );
            expect(found[1]).toEqual(found[0]);
            database.exec("DELETE FROM protosource_rows");
          },
        ),
        { numRuns: 100 },
      );
    } finally {
      folder.remove();
    }
  });
});

/** Gives the pages of a query, or the code of its error. */
async function pagesOf(store: OpaqueStore, query: OpaqueQuery): Promise<unknown> {
  const pages: OpaqueData[][] = [];
  let cursor: string | undefined;
  do {
    try {
      const page = await store.query({ ...query, cursor });
      pages.push(page.rows.map(asIndexed));
      cursor = page.cursor;
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
  } while (cursor !== undefined);
  return pages;
}

/** A row as an index holds it: a key whose other half is there is never empty. */
function asIndexed(one: OpaqueData): OpaqueData {
  const inIndex = one.gsi1pk !== "" && one.gsi1pk !== "NA";
  return inIndex && one.gsi1sk === "" ? { ...one, gsi1sk: "NA" } : one;
}
