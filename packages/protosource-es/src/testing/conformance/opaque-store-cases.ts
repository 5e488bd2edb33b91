/** What `OpaqueStore` promises: rows under keys, 20 indexes, conditions, pages, expiry, versions. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { epochSeconds } from "../../clock.js";
import {
  type OpaqueData,
  OpaqueDataSchema,
} from "../../gen/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js";
import { GSI_NUMBERS, indexAttributes, KEY_ATTRIBUTES } from "../../opaquedata/key-attribute.js";
import { eachRow, type OpaqueQuery, type OpaqueRow, type OpaqueStore } from "../../opaquedata/opaque-store.js";
import { beginsWith, between, eq, ge, gt, le, lt, type SortCondition } from "../../opaquedata/sort-condition.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { bytes } from "./sample-records.js";

const MAX_INT64 = 2n ** 63n - 1n;

const singleRows: readonly ConformanceCase[] = [
  {
    name: "rows: a row is read as it was put",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = create(OpaqueDataSchema, {
        pk: context.id("row"),
        sk: "AGG",
        t: epochSeconds(context.clock) + 60n,
        version: 3n,
        body: Uint8Array.from({ length: 256 }, (_, i) => i),
        gsi1pk: context.id("gsi1pk"),
        gsi1sk: "one",
        gsi20pk: context.id("gsi20pk"),
        gsi20sk: "twenty",
      });
      expectEqual(await store.put(row), { written: true }, "outcome");
      await expectRow(store, row);
    },
  },
  {
    name: "rows: a row of which all but the keys is empty is read as it was put",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = create(OpaqueDataSchema, { pk: context.id("bare"), sk: "AGG" });
      await store.put(row);
      await expectRow(store, row);
    },
  },
  {
    name: "rows: a row with all 42 keys is read as it was put",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = create(OpaqueDataSchema);
      for (const name of KEY_ATTRIBUTES) row[name] = context.id(name);
      await store.put(row);
      await expectRow(store, row);
    },
  },
  {
    name: "rows: a missing row is undefined",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      await store.put(rowOf(context, "present", "a"));
      expectEqual(await store.get({ pk: context.id("absent"), sk: "a" }), undefined, "row of another partition key");
      expectEqual(await store.get({ pk: context.id("present"), sk: "b" }), undefined, "row of another sort key");
    },
  },
  {
    name: "rows: a consistent read sees what was put",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = rowOf(context, "consistent", "a");
      await store.put(row);
      expectEqual((await store.get(row, { consistent: true }))?.pk, row.pk, "pk of the row");
      const page = await store.query({ partition: row.pk, consistent: true });
      expectEqual(sortKeys(page.rows), ["a"], "sort keys");
    },
  },
  {
    name: "rows: a put replaces the whole row",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const key = { pk: context.id("replaced"), sk: "AGG" };
      await store.put(create(OpaqueDataSchema, { ...key, t: MAX_INT64, body: bytes(8), gsi1pk: key.pk, gsi1sk: "a" }));
      const replacement = create(OpaqueDataSchema, { ...key, gsi2pk: key.pk, gsi2sk: "b" });
      await store.put(replacement);
      await expectRow(store, replacement);
      expectEqual((await store.query({ index: 1, partition: key.pk })).rows.length, 0, "rows of the index it left");
    },
  },
  {
    name: "rows: rows of one partition with different sort keys are different rows",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const rows = ["AGG", "PROJ#A", "PROJ#a"].map((sk) => rowOf(context, "siblings", sk));
      for (const row of rows) await store.put(row);
      for (const row of rows) await expectRow(store, row);
    },
  },
  {
    name: "rows: keys that only look alike together are different rows",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const id = context.id("alike");
      const keys = [`${id}\u0000`, `${id}\u0000a`, `${id},`, `${id}"`, `${id}#`];
      const rows = keys.map((pk, i) => create(OpaqueDataSchema, { pk, sk: ["ab", "b", '"b', ",b", "#b"][i] ?? "" }));
      for (const row of rows) await store.put(row);
      for (const row of rows) await expectRow(store, row);
    },
  },
  {
    name: "rows: a deleted row is gone, from its indexes too",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = rowOf(context, "deleted", "a", { gsi3pk: context.id("deleted-index"), gsi3sk: "a" });
      await store.put(row);
      await store.delete(row);
      expectEqual(await store.get(row), undefined, "row");
      expectEqual((await store.query({ partition: row.pk })).rows.length, 0, "rows of the partition");
      expectEqual((await store.query({ index: 3, partition: row.gsi3pk })).rows.length, 0, "rows of the index");
    },
  },
  {
    name: "rows: deleting a missing row does nothing",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      await store.delete({ pk: context.id("never-there"), sk: "a" });
    },
  },
  {
    name: "rows: changing a row after it was put changes nothing stored",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = rowOf(context, "changed-after-put", "a", { body: bytes(8) });
      await store.put(row);
      row.body.fill(0);
      row.gsi1pk = "changed";
      await expectRow(store, rowOf(context, "changed-after-put", "a", { body: bytes(8) }));
    },
  },
  {
    name: "rows: changing a row that was read changes nothing stored",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = rowOf(context, "changed-after-get", "a", { body: bytes(8) });
      await store.put(row);
      const page = await store.query({ partition: row.pk });
      for (const read of [await store.get(row), ...page.rows]) {
        read?.body.fill(0);
        if (read) read.version = 9n;
      }
      await expectRow(store, row);
    },
  },
  {
    name: "rows: a row of 300 KB is kept",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = rowOf(context, "large-row", "a", { body: bytes(300_000) });
      await store.put(row);
      await expectRow(store, row);
    },
  },
  {
    name: "rows: another client sees what was put",
    needs: ["opaque-store"],
    async run(context) {
      const writer = await openOpaqueStore(context);
      const reader = await openOpaqueStore(context);
      const row = rowOf(context, "shared", "a");
      await writer.put(row);
      await expectRow(reader, row);
    },
  },
];

const versions: readonly ConformanceCase[] = [
  {
    name: "rows: an earlier version doesn't replace a later one, and the same one does",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const version = (version: bigint, text: string) =>
        rowOf(context, "versions", "a", { version, body: new TextEncoder().encode(text) });
      expectEqual(await store.put(version(2n, "two")), { written: true }, "outcome of the first put");
      expectEqual(await store.put(version(1n, "one")), { written: false }, "outcome of an earlier version");
      await expectRow(store, version(2n, "two"));
      expectEqual(await store.put(version(2n, "again")), { written: true }, "outcome of the same version");
      await expectRow(store, version(2n, "again"));
      expectEqual(await store.put(version(10n, "ten")), { written: true }, "outcome of a later version");
      await expectRow(store, version(10n, "ten"));
    },
  },
  {
    name: "rows: a row without a version replaces any",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      await store.put(rowOf(context, "unversioned", "a", { version: 5n }));
      const unversioned = rowOf(context, "unversioned", "a", { version: 0n });
      expectEqual(await store.put(unversioned), { written: true }, "outcome");
      await expectRow(store, unversioned);
    },
  },
  {
    name: "rows: a row that has no version is replaced by any",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      await store.put(rowOf(context, "unknown-version", "a", { version: 0n, body: bytes(8) }));
      const versioned = rowOf(context, "unknown-version", "a", { version: 1n });
      expectEqual(await store.put(versioned), { written: true }, "outcome");
      await expectRow(store, versioned);
    },
  },
  {
    name: "rows: versionOf tells the version of a row that has none",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const foreign = rowOf(context, "version-of", "a", { version: 0n, body: Uint8Array.of(5) });
      await store.put(foreign);
      const versionOf = (stored: OpaqueRow) => BigInt(stored.body[0] ?? 0);
      const earlier = rowOf(context, "version-of", "a", { version: 4n });
      expectEqual(await store.put(earlier, { versionOf }), { written: false }, "outcome of an earlier version");
      await expectRow(store, foreign);
      const same = rowOf(context, "version-of", "a", { version: 5n });
      expectEqual(await store.put(same, { versionOf }), { written: true }, "outcome of the same version");
      await expectRow(store, same);
    },
  },
  {
    name: "rows: a row of which versionOf can't tell the version is replaced",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      await store.put(rowOf(context, "untold-version", "a", { version: 0n }));
      const versioned = rowOf(context, "untold-version", "a", { version: 1n });
      const outcome = await store.put(versioned, { versionOf: () => undefined });
      expectEqual(outcome, { written: true }, "outcome");
      await expectRow(store, versioned);
    },
  },
  {
    name: "rows: versions and expiries up to 2^63 - 1 are exact",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const last = rowOf(context, "int64", "a", { version: MAX_INT64, t: MAX_INT64 });
      await store.put(last);
      await expectRow(store, last);
      const earlier = rowOf(context, "int64", "a", { version: MAX_INT64 - 1n });
      expectEqual(await store.put(earlier), { written: false }, "outcome of the version before the last");
      await expectRow(store, last);
    },
  },
];

const expiry: readonly ConformanceCase[] = [
  {
    name: "rows: a row counts until the second before its expiry",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = rowOf(context, "boundary", "a", { t: epochSeconds(context.clock) + 10n });
      await store.put(row);
      context.clock.advanceSeconds(9);
      await expectRow(store, row);
      context.clock.advanceSeconds(1);
      expectEqual(await store.get(row), undefined, "row");
      expectEqual(await store.get(row, { consistent: true }), undefined, "row of a consistent read");
    },
  },
  {
    name: "rows: an expired row counts as absent when a row is put",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      await store.put(rowOf(context, "expired", "a", { version: 9n, t: epochSeconds(context.clock) + 10n }));
      context.clock.advanceSeconds(10);
      const fresh = rowOf(context, "expired", "a", { version: 1n });
      expectEqual(await store.put(fresh), { written: true }, "outcome");
      await expectRow(store, fresh);
    },
  },
  {
    name: "rows: expired rows are in no query, of the table nor of an index",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const { pk } = await putAlternatelyExpired(context, store, 6);
      for (const index of [0, 1] as const) {
        for (const reverse of [false, true]) {
          const page = await store.query({ index, partition: pk, reverse });
          const expected = ["001", "003", "005"];
          expectEqual(sortKeys(page.rows), reverse ? expected.toReversed() : expected, `sort keys of index ${index}`);
        }
      }
    },
  },
  {
    name: "rows: expired rows don't count towards a limit",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const { pk } = await putAlternatelyExpired(context, store, 20);
      for (const index of [0, 1] as const) {
        for (const limit of [1, 3, 10, 11]) {
          const rows = await collect(eachRow(store, { index, partition: pk, limit }));
          expectEqual(rows.length, Math.min(limit, 10), `number of rows of index ${index} with the limit ${limit}`);
        }
      }
    },
  },
  {
    name: "rows: pages lead past expired rows",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const { pk, alive } = await putAlternatelyExpired(context, store, 12);
      for (const limit of [1, 2, 4, 6, 7]) {
        expectEqual(await pagedSortKeys(store, { partition: pk, limit }), alive, `sort keys of pages of ${limit}`);
      }
    },
  },
];

const indexes: readonly ConformanceCase[] = [
  {
    name: "rows: each of the 20 indexes finds a row by its own key",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = rowOf(context, "all-indexes", "AGG");
      for (const name of KEY_ATTRIBUTES.slice(2)) row[name] = context.id(name);
      await store.put(row);
      for (const index of GSI_NUMBERS) {
        const [pk, sk] = indexAttributes(index);
        const page = await store.query({ index, partition: row[pk], sort: eq(row[sk]) });
        expectEqual(page.rows.map(plain), [plain(row)], `rows of index ${index}`);
        expectEqual(page.cursor, undefined, `cursor of index ${index}`);
      }
    },
  },
  {
    name: "rows: an index holds only rows that have its key",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const partition = context.id("sparse-index");
      await store.put(rowOf(context, "sparse", "without"));
      await store.put(rowOf(context, "sparse", "with", { gsi2pk: partition, gsi2sk: "x" }));
      await store.put(rowOf(context, "sparse", "sort-key-only", { gsi2sk: "x" }));
      await store.put(rowOf(context, "sparse", "another", { gsi3pk: partition, gsi3sk: "x" }));
      expectEqual(
        (await store.query({ index: 2, partition })).rows.map(({ sk }) => sk),
        ["with"],
        "rows of the index",
      );
    },
  },
  {
    name: "rows: a partition of an index holds rows of several partitions of the table",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const partition = context.id("gathering");
      for (const name of ["c", "a", "b"]) {
        await store.put(rowOf(context, name, "AGG", { gsi1pk: partition, gsi1sk: name }));
      }
      const page = await store.query({ index: 1, partition });
      expectEqual(
        page.rows.map(({ gsi1sk }) => gsi1sk),
        ["a", "b", "c"],
        "sort keys of the index",
      );
    },
  },
  {
    name: "rows: pages lose no rows of which an index's sort keys are the same",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const partition = context.id("ties");
      const names = ["a", "b", "c", "d", "e", "f", "g"];
      for (const name of names) {
        await store.put(rowOf(context, `tie-${name}`, name, { gsi1pk: partition, gsi1sk: "same" }));
      }
      for (const reverse of [false, true]) {
        for (const limit of [1, 2, 3, 6]) {
          const rows = await paged(store, { index: 1, partition, limit, reverse });
          expectEqual(rows.map(({ sk }) => sk).sort(), names, `sort keys of the table, in pages of ${limit}`);
        }
      }
    },
  },
  {
    name: "rows: a row without an index's sort key is found under NA",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const partition = context.id("no-sort-key");
      await store.put(rowOf(context, "no-sort-key-row", "a", { gsi1pk: partition }));
      const page = await store.query({ index: 1, partition, sort: eq("NA") });
      expectEqual(
        page.rows.map(({ sk }) => sk),
        ["a"],
        "sort keys of the table",
      );
    },
  },
];

const SORT_KEYS = ["a", "aa", "ab", "b", "ba", "c"];

/** Sort keys in the order of their bytes, which UTF-16 units and most languages order differently. */
const UTF8_ORDER = ["A", "a", "ß", "é", "€", "\u{E000}", "\u{FFFD}", "\u{10000}", "\u{1F600}"];

const conditions: readonly ConformanceCase[] = [
  condition("eq", eq("ab"), ["ab"]),
  condition("eq of a key that isn't there", eq("ac"), []),
  condition("lt", lt("ab"), ["a", "aa"]),
  condition("le", le("ab"), ["a", "aa", "ab"]),
  condition("gt", gt("ab"), ["b", "ba", "c"]),
  condition("ge", ge("ab"), ["ab", "b", "ba", "c"]),
  condition("between, with both bounds", between("aa", "ba"), ["aa", "ab", "b", "ba"]),
  condition("between equal bounds", between("b", "b"), ["b"]),
  condition("begins_with", beginsWith("a"), ["a", "aa", "ab"]),
  condition("begins_with of a whole key", beginsWith("ba"), ["ba"]),
  {
    name: "rows: begins_with takes wildcards of other languages as they are",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "wildcards", ["a%b", "a*b", "a?b", "a_b", "axb"]);
      for (const prefix of ["a%", "a*", "a?", "a_"]) {
        const page = await store.query({ partition: pk, sort: beginsWith(prefix) });
        expectEqual(sortKeys(page.rows), [`${prefix}b`], `sort keys that begin with ${prefix}`);
      }
    },
  },
  {
    name: "rows: begins_with and eq tell upper case from lower case",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "case", ["A1", "B1", "a1"]);
      for (const sort of [beginsWith("a"), eq("a1"), gt("B1")]) {
        expectEqual(sortKeys((await store.query({ partition: pk, sort })).rows), ["a1"], `sort keys with ${sort.op}`);
      }
    },
  },
  {
    name: "rows: comparisons tell upper case from lower case",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "compared-case", ["A1", "B1", "a1"]);
      for (const sort of [eq("a1"), gt("B1"), ge("C1"), between("C1", "b1")]) {
        expectEqual(sortKeys((await store.query({ partition: pk, sort })).rows), ["a1"], `sort keys with ${sort.op}`);
      }
      for (const sort of [lt("a1"), le("Z1")]) {
        const page = await store.query({ partition: pk, sort });
        expectEqual(sortKeys(page.rows), ["A1", "B1"], `sort keys with ${sort.op}`);
      }
    },
  },
  {
    name: "rows: sort keys are ordered by their UTF-8 bytes",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "utf-8", UTF8_ORDER.toReversed());
      for (const index of [0, 1] as const) {
        const { rows } = await store.query({ index, partition: pk });
        expectEqual(sortKeys(rows), UTF8_ORDER, `sort keys of index ${index}`);
        const reversed = await store.query({ index, partition: pk, reverse: true });
        expectEqual(sortKeys(reversed.rows), UTF8_ORDER.toReversed(), `sort keys of index ${index} in reverse`);
      }
    },
  },
  {
    name: "rows: conditions compare sort keys by their UTF-8 bytes",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "utf-8-conditions", UTF8_ORDER);
      const found = async (sort: SortCondition) => sortKeys((await store.query({ partition: pk, sort })).rows);
      expectEqual(await found(gt("\u{FFFD}")), ["\u{10000}", "\u{1F600}"], "sort keys above U+FFFD");
      expectEqual(await found(le("\u{FFFD}")), UTF8_ORDER.slice(0, -2), "sort keys up to U+FFFD");
      expectEqual(
        await found(between("\u{E000}", "\u{10000}")),
        ["\u{E000}", "\u{FFFD}", "\u{10000}"],
        "sort keys from U+E000 to U+10000",
      );
      expectEqual(await found(beginsWith("\u{1F600}")), ["\u{1F600}"], "sort keys that begin with U+1F600");
    },
  },
];

const pages: readonly ConformanceCase[] = [
  {
    name: "rows: an empty partition is one empty page",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      for (const index of [0, 1, 20] as const) {
        const page = await store.query({ index, partition: context.id("empty") });
        expectEqual({ rows: page.rows, cursor: page.cursor }, { rows: [], cursor: undefined }, "page");
      }
    },
  },
  {
    name: "rows: index 0 is the table itself",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "index-0", ["b", "a"]);
      expectEqual(sortKeys((await store.query({ index: 0, partition: pk })).rows), ["a", "b"], "sort keys");
      expectEqual(sortKeys((await store.query({ partition: pk })).rows), ["a", "b"], "sort keys without an index");
    },
  },
  {
    name: "rows: a query reads one partition only",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "p", ["a"]);
      for (const other of ["p1", "p#", "P"]) await putSortKeys(context, store, other, ["b"]);
      for (const index of [0, 1] as const) {
        expectEqual(sortKeys((await store.query({ index, partition: pk })).rows), ["a"], `sort keys of index ${index}`);
      }
    },
  },
  {
    name: "rows: a limit takes the first rows, and in reverse the last",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "limited", SORT_KEYS);
      const first = await store.query({ partition: pk, limit: 2 });
      expectEqual(sortKeys(first.rows), ["a", "aa"], "sort keys");
      const last = await store.query({ partition: pk, limit: 2, reverse: true });
      expectEqual(sortKeys(last.rows), ["c", "ba"], "sort keys in reverse");
    },
  },
  {
    name: "rows: pages of every size give each row of a partition once, in order",
    needs: ["opaque-store"],
    run: (context) => expectPagesOfEverySize(context, 0),
  },
  {
    name: "rows: pages of every size give each row of an index once, in order",
    needs: ["opaque-store"],
    run: (context) => expectPagesOfEverySize(context, 1),
  },
  {
    name: "rows: pages keep to a condition",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "pages-of-a-condition", numbered(12));
      for (const index of [0, 1] as const) {
        for (const reverse of [false, true]) {
          const query = { index, partition: pk, sort: between("003", "009"), limit: 2, reverse };
          const expected = numbered(10).slice(3);
          expectEqual(await pagedSortKeys(store, query), reverse ? expected.toReversed() : expected, "sort keys");
        }
      }
    },
  },
  {
    name: "rows: a cursor leads on though its row is gone, and past rows that came before it",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "moving", ["b", "d", "f", "h"]);
      const { cursor } = await store.query({ partition: pk, limit: 2 });
      await store.delete({ pk, sk: "d" });
      await putSortKeys(context, store, "moving", ["a", "e"]);
      const page = await store.query({ partition: pk, cursor });
      expectEqual(sortKeys(page.rows), ["e", "f", "h"], "sort keys after the cursor");
    },
  },
  {
    name: "rows: a cursor works in another client",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "handed-on", SORT_KEYS);
      const { cursor } = await store.query({ partition: pk, limit: 4 });
      const page = await (await openOpaqueStore(context)).query({ partition: pk, cursor });
      expectEqual(sortKeys(page.rows), ["ba", "c"], "sort keys after the cursor");
    },
  },
  {
    name: "rows: a partition of more than 1 MB is read whole, page by page",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = context.id("large-partition");
      const keys = numbered(12);
      for (const sk of keys) {
        await store.put(create(OpaqueDataSchema, { pk, sk, body: bytes(200_000), gsi1pk: pk, gsi1sk: sk }));
      }
      for (const index of [0, 1] as const) {
        const rows = await collect(eachRow(store, { index, partition: pk }));
        expectEqual(sortKeys(rows), keys, `sort keys of index ${index}`);
        expectTrue(
          rows.every(({ body }) => body.length === 200_000),
          "each row has its whole body",
        );
      }
      const limited = await collect(eachRow(store, { partition: pk, limit: 9, reverse: true }));
      expectEqual(sortKeys(limited), keys.toReversed().slice(0, 9), "sort keys of the last 9 rows");
    },
  },
  {
    name: "rows: eachRow goes on from a cursor, and stops at its limit",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "each-row", numbered(10));
      const { cursor } = await store.query({ partition: pk, limit: 3 });
      const rest = await collect(eachRow(store, { partition: pk, cursor }));
      expectEqual(sortKeys(rest), numbered(10).slice(3), "sort keys after the cursor");
      const some = await collect(eachRow(store, { partition: pk, cursor, limit: 4 }));
      expectEqual(sortKeys(some), numbered(7).slice(3), "4 sort keys after the cursor");
    },
  },
];

const badInput: readonly ConformanceCase[] = [
  refusedRow("an empty pk", { pk: "" }, "pk"),
  refusedRow("an empty sk", { sk: "" }, "sk"),
  refusedRow("a negative version", { version: -1n }, "version"),
  tooLargeKey("pk", "pk", 2048),
  tooLargeKey("sk", "sk", 1024),
  tooLargeKey("an index's pk", "gsi7pk", 2048),
  tooLargeKey("an index's sk", "gsi20sk", 1024),
  {
    name: "rows: a row over 400 KB is too_large",
    needs: ["opaque-store", "item-limit"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const row = rowOf(context, "over-400-kb", "a", { body: bytes(410_000) });
      await expectError("too_large", store.put(row), { limit: 409_600 });
    },
  },
  {
    name: "rows: keys of 2048 and 1024 bytes work",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = context.id("longest").padEnd(2048, "x");
      const row = create(OpaqueDataSchema, { pk, sk: "y".repeat(1024), gsi1pk: pk, gsi1sk: "z".repeat(1024) });
      await store.put(row);
      await expectRow(store, row);
      const page = await store.query({ index: 1, partition: pk, sort: eq(row.gsi1sk) });
      expectEqual(page.rows.map(plain), [plain(row)], "rows of the index");
    },
  },
  {
    name: "rows: get and delete without a key are invalid_argument",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = context.id("no-key");
      await expectError("invalid_argument", store.get({ pk: "", sk: "a" }), { argument: "pk" });
      await expectError("invalid_argument", store.get({ pk, sk: "" }), { argument: "sk" });
      await expectError("invalid_argument", store.delete({ pk: "", sk: "a" }), { argument: "pk" });
      await expectError("invalid_argument", store.delete({ pk, sk: "" }), { argument: "sk" });
    },
  },
  refusedQuery("index 21", { index: 21 as never }, "index"),
  refusedQuery("index -1", { index: -1 as never }, "index"),
  refusedQuery("index 1.5", { index: 1.5 as never }, "index"),
  refusedQuery("an empty partition", { partition: "" }, "partition"),
  refusedQuery("a limit of 0", { limit: 0 }, "limit"),
  refusedQuery("a negative limit", { limit: -1 }, "limit"),
  refusedQuery("a limit that is no whole number", { limit: 1.5 }, "limit"),
  refusedQuery("a low bound above the high one", { sort: between("b", "a") }, "sort"),
  refusedQuery("a low bound above the high one in UTF-8 only", { sort: between("\u{10000}", "\u{FFFD}") }, "sort"),
  refusedQuery("between without its low bound", { sort: { op: "between", high: "b" } as never }, "sort.low"),
  refusedQuery("between without its high bound", { sort: { op: "between", low: "a" } as never }, "sort.high"),
  refusedQuery("a condition without a value", { sort: { op: "eq" } as never }, "sort.value"),
  refusedQuery("an unknown condition", { sort: { op: "ne", value: "a" } as never }, "sort"),
  refusedQuery("a consistent read of an index", { index: 1, consistent: true }, "consistent"),
  refusedQuery("a cursor that is none", { cursor: "not a cursor" }, "cursor"),
  refusedQuery("an empty cursor", { cursor: "" }, "cursor"),
  {
    name: "rows: a cursor of another query is invalid_argument",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "one-query", SORT_KEYS);
      const other = await putSortKeys(context, store, "other-query", SORT_KEYS);
      const { cursor } = await store.query({ partition: pk, limit: 2 });
      const { cursor: indexCursor } = await store.query({ index: 1, partition: pk, limit: 2 });
      expectTrue(cursor !== undefined && indexCursor !== undefined, "there is a cursor before the end");
      const refused: OpaqueQuery[] = [
        { partition: other, cursor },
        { index: 1, partition: pk, cursor },
        { index: 2, partition: pk, cursor: indexCursor },
        { partition: pk, cursor: indexCursor },
        { partition: pk, sort: gt("b"), cursor },
      ];
      for (const query of refused) await expectError("invalid_argument", store.query(query), { argument: "cursor" });
    },
  },
  {
    name: "rows: an aborted signal cancels each call, and nothing is stored",
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const signal = AbortSignal.abort();
      const row = rowOf(context, "aborted", "a");
      await expectError("cancelled", store.put(row, { signal }));
      expectEqual(await store.get(row), undefined, "row");
      await store.put(row);
      await expectError("cancelled", store.get(row, { signal }));
      await expectError("cancelled", store.query({ partition: row.pk, signal }));
      await expectError("cancelled", store.delete(row, { signal }));
      await expectRow(store, row);
    },
  },
];

/** The cases of `OpaqueStore`. */
export const opaqueStoreCases: readonly ConformanceCase[] = [
  ...singleRows,
  ...versions,
  ...expiry,
  ...indexes,
  ...conditions,
  ...pages,
  ...badInput,
];

async function openOpaqueStore(context: ConformanceContext): Promise<OpaqueStore> {
  const { opaqueStore } = await context.open();
  if (opaqueStore === undefined) throw new Error("expected an opaqueStore from a harness with that capability");
  return opaqueStore;
}

function rowOf(
  context: ConformanceContext,
  name: string,
  sk: string,
  fields: MessageInitShape<typeof OpaqueDataSchema> = {},
): OpaqueData {
  return create(OpaqueDataSchema, { pk: context.id(name), sk, ...fields });
}

async function expectRow(store: OpaqueStore, row: OpaqueRow): Promise<void> {
  const { pk, sk } = row;
  const stored = await store.get({ pk, sk });
  expectEqual(stored && plain(stored), plain(row), `row ${pk}, ${sk}`);
}

/** A row without what a message holds beside its fields. */
function plain(row: OpaqueRow): object {
  const keys = KEY_ATTRIBUTES.map((name) => [name, row[name]] as const).filter(([, key]) => key !== "");
  return { ...Object.fromEntries(keys), t: row.t, version: row.version, body: row.body };
}

function sortKeys(rows: readonly OpaqueRow[]): string[] {
  return rows.map(({ sk }) => sk);
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => i.toString().padStart(3, "0"));
}

/** Puts rows into one partition of the table, and under the same keys into one of index 1. */
async function putSortKeys(
  context: ConformanceContext,
  store: OpaqueStore,
  name: string,
  keys: readonly string[],
): Promise<string> {
  const pk = context.id(name);
  for (const sk of keys) await store.put(rowOf(context, name, sk, { gsi1pk: pk, gsi1sk: sk }));
  return pk;
}

/** Puts rows of which every second one, the first included, has expired afterwards. */
async function putAlternatelyExpired(
  context: ConformanceContext,
  store: OpaqueStore,
  count: number,
): Promise<{ pk: string; alive: string[] }> {
  const pk = context.id("alternately");
  const keys = numbered(count);
  const t = epochSeconds(context.clock) + 10n;
  for (const [i, sk] of keys.entries()) {
    await store.put(rowOf(context, "alternately", sk, { gsi1pk: pk, gsi1sk: sk, t: i % 2 === 0 ? t : 0n }));
  }
  context.clock.advanceSeconds(10);
  return { pk, alive: keys.filter((_, i) => i % 2 === 1) };
}

async function collect(rows: AsyncIterable<OpaqueRow>): Promise<OpaqueRow[]> {
  const collected: OpaqueRow[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

/** Reads all pages of a query by their cursors, and checks that none is larger than its limit. */
async function paged(store: OpaqueStore, query: OpaqueQuery & { readonly limit: number }): Promise<OpaqueRow[]> {
  const rows: OpaqueRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.query({ ...query, cursor });
    expectTrue(page.rows.length <= query.limit, `a page of ${page.rows.length} rows keeps to the limit ${query.limit}`);
    rows.push(...page.rows);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}

async function pagedSortKeys(store: OpaqueStore, query: OpaqueQuery & { readonly limit: number }): Promise<string[]> {
  return sortKeys(await paged(store, query));
}

async function expectPagesOfEverySize(context: ConformanceContext, index: 0 | 1): Promise<void> {
  const store = await openOpaqueStore(context);
  const keys = numbered(9);
  const pk = await putSortKeys(context, store, "pages", keys);
  for (let limit = 1; limit <= keys.length + 1; limit++) {
    expectEqual(await pagedSortKeys(store, { index, partition: pk, limit }), keys, `sort keys, in pages of ${limit}`);
    const reversed = await pagedSortKeys(store, { index, partition: pk, limit, reverse: true });
    expectEqual(reversed, keys.toReversed(), `sort keys in reverse, in pages of ${limit}`);
  }
}

function condition(what: string, sort: SortCondition, expected: readonly string[]): ConformanceCase {
  return {
    name: `rows: a query with ${what}`,
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const pk = await putSortKeys(context, store, "condition", SORT_KEYS);
      for (const index of [0, 1] as const) {
        const page = await store.query({ index, partition: pk, sort });
        expectEqual(sortKeys(page.rows), expected, `sort keys of index ${index}`);
        const reversed = await store.query({ index, partition: pk, sort, reverse: true });
        expectEqual(sortKeys(reversed.rows), expected.toReversed(), `sort keys of index ${index} in reverse`);
      }
    },
  };
}

function refusedRow(
  what: string,
  fields: MessageInitShape<typeof OpaqueDataSchema>,
  argument: string,
): ConformanceCase {
  return {
    name: `rows: a row with ${what} is invalid_argument`,
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      await expectError("invalid_argument", store.put(rowOf(context, "refused", "a", fields)), { argument });
    },
  };
}

function tooLargeKey(what: string, attribute: "pk" | "sk" | "gsi7pk" | "gsi20sk", limit: number): ConformanceCase {
  return {
    name: `rows: ${what} over ${limit} bytes is too_large`,
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      // As many characters as bytes are allowed, and one byte more.
      const key = `é${"x".repeat(limit - 1)}`;
      const row = rowOf(context, "large-key", "a", { [attribute]: key });
      await expectError("too_large", store.put(row), { what: attribute, size: limit + 1, limit });
    },
  };
}

function refusedQuery(what: string, query: Partial<OpaqueQuery>, argument: string): ConformanceCase {
  return {
    name: `rows: a query with ${what} is invalid_argument`,
    needs: ["opaque-store"],
    async run(context) {
      const store = await openOpaqueStore(context);
      const refused = store.query({ partition: context.id("refused"), ...query });
      await expectError("invalid_argument", refused, { argument });
    },
  };
}
