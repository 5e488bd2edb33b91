import { readdirSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { isProtosourceError, Repository } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { opaqueDataFromMessage } from "protosource-es/opaquedata";
import { describe, expect, it } from "vitest";
import { Alias, Device_Mode, HTTPVersion, Size } from "./golden/enums_pb.js";
import * as enums from "./golden/enums_protosource.js";
import { BookingSchema } from "./golden/imported_pb.js";
import { BookingQueries } from "./golden/imported_protosource.js";
import { PageSchema } from "./golden/index_names_pb.js";
import { PageQueries } from "./golden/index_names_protosource.js";
import { EntrySchema, Marker_InnerSchema, Marker_Kind, MarkerSchema, SettingSchema } from "./golden/keyed_pb.js";
import { EntryQueries, Marker_InnerQueries, MarkerQueries, SettingQueries } from "./golden/keyed_protosource.js";
import { type AggregateTypes, aggregateCommands, defineAggregate } from "./golden/names_protosource.js";
import { VisitsPerDaySchema } from "./golden/rows_pb.js";
import { VisitsPerDayQueries } from "./golden/rows_protosource.js";
import { Color } from "./golden/types_pb.js";

/** Those of files without an aggregate. */
const rowsOnly = ["ordered_protosource", "rows_protosource"];

describe("a generated file", () => {
  const files = readdirSync(new URL("golden/", import.meta.url)).flatMap(
    (file) => /^(.*_protosource)\.ts$/.exec(file)?.[1] ?? [],
  );

  it.each(files.filter((file) => !rowsOnly.includes(file)))(
    "defines an aggregate that the run time takes: %s",
    async (file) => {
      const module: Readonly<Record<string, unknown>> = await import(`./golden/${file}.ts`);
      const [name, define] = Object.entries(module).find(([key]) => key.startsWith("define")) ?? [];
      expect(define).toBeTypeOf("function");
      const rules = file === "retired_protosource" ? { upcast: { Written: "ignore", Printed: "ignore" } } : undefined;
      expect((define as (rules?: object) => object)(rules)).toHaveProperty("schema.name", name?.replace("define", ""));
    },
  );

  it("works with messages that are named like types and words of TypeScript", async () => {
    const repository = new Repository<AggregateTypes>(defineAggregate(), new MemoryStore());
    const options = { id: "a-1", actor: "me" };
    const created = await repository.apply(aggregateCommands.Create({}), options);
    expect(created.events.map((event) => event.$typeName)).toEqual(["example.names.v1.Promise"]);
    const deleted = await repository.apply(aggregateCommands.delete({}), options);
    expect(deleted.events.map((event) => event.$typeName.split(".").at(-1))).toEqual([
      "Map",
      "Error",
      "class",
      "Record",
    ]);
    expect(deleted.version).toBe(5n);
  });

  it("names the values of enums for people", () => {
    expect(enums.device_ModeDisplayNames[Device_Mode.ON]).toBe("On");
    expect(enums.httpVersionDisplayNames[HTTPVersion.HTTP_VERSION_1_1]).toBe("1 1");
    expect(enums.sizeDisplayNames[Size.SIZE_EXTRA_LARGE]).toBe("Size Extra Large");
    expect(enums.sizeDisplayNames[Size.TINY]).toBe("Tiny");
    expect(enums.aliasDisplayNames[Alias.BUSY]).toBe("In Use");
    expect(enums.aliasDisplayNames[7]).toBeUndefined();
    expect(Object.keys(enums).filter((name) => name.startsWith("hidden"))).toEqual([]);
  });
});

describe("a generated query class", () => {
  it("finds by fields that are named like options and reserved words", async () => {
    const store = new MemoryOpaqueStore();
    const page = create(PageSchema, {
      id: "p-1",
      options: "o",
      delete: "d",
      constructor$: "c",
      arguments: "a",
      await: "w",
      limit: 3,
      reverse: true,
      cursor: "k",
      signal: 1.5,
      toString$: "t",
      owner: "ann",
      rank: 12n,
      title: "one",
      rankAndTitle: "r",
    });
    await store.put(opaqueDataFromMessage(PageSchema, page));
    const pages = new PageQueries(store);
    const found = [
      pages.selectByOptionsAndDelete("o", "d", { reverse$: true, limit$: { ge: 3 }, limit: 1, reverse: true }),
      pages.selectByDelete("d", { cursor$: { beginsWith: "k" } }),
      pages.selectByConstructor("c", { signal$: { eq: 1.5 } }),
      pages.selectByArgumentsAndAwait("a", "w", { toString$: { between: ["s", "u"] } }),
      pages.selectByOwner("ann"),
      pages.selectByOwnerWithRank("ann", { rank: { gt: 9n } }),
      pages.selectByOwnerWithRankAndTitle("ann", { rank: 12n, title: { le: "one" } }),
      pages.selectByOwnerWithTitle("ann", { title: { lt: "p" } }),
      pages.selectByOwnerAndRankAndTitle("ann", "r", { title: { eq: "one" } }),
    ];
    for (const { items } of await Promise.all(found)) expect(items).toEqual([page]);
    const others = [
      pages.selectByOptionsAndDelete("o", "d", { reverse$: true, limit$: { gt: 3 } }),
      pages.selectByConstructor("c", { signal$: { eq: 1 } }),
      pages.selectByOwnerWithRank("ann", { rank: { lt: 9n } }),
    ];
    for (const { items } of await Promise.all(others)) expect(items).toEqual([]);
    expect(await pages.get("p-1", { consistent: true })).toEqual(page);
    expect(await pages.get("p-2")).toBeUndefined();
  });

  it("finds rows with keys of their own", async () => {
    const store = new MemoryOpaqueStore();
    const setting = create(SettingSchema, { scope: "s", name: "n", revision: 10n, value: "v" });
    const marker = create(MarkerSchema, { code: "m", kind: Marker_Kind.RED, target: { case: "person", value: "ann" } });
    const inner = create(Marker_InnerSchema, { blob: new Uint8Array([1, 2]), numbers: [3n] });
    await store.put(opaqueDataFromMessage(SettingSchema, setting));
    await store.put(opaqueDataFromMessage(MarkerSchema, marker));
    await store.put(opaqueDataFromMessage(Marker_InnerSchema, inner));
    const settings = new SettingQueries(store);
    expect(await settings.get("s", "n", 10n)).toEqual(setting);
    expect((await settings.selectByScopeAndName("s", "n", { revision: { gt: 9n } })).items).toEqual([setting]);
    expect((await settings.selectByValue("v")).items).toEqual([setting]);
    const markers = new MarkerQueries(store);
    expect(await markers.get("m")).toEqual(marker);
    expect((await markers.selectByKind(Marker_Kind.RED)).items).toEqual([marker]);
    expect((await markers.selectByPerson("ann", { otherKind: { eq: Marker_Kind.UNSPECIFIED } })).items).toEqual([
      marker,
    ]);
    const inners = new Marker_InnerQueries(store);
    expect(await inners.get(new Uint8Array([1, 2]), [3n])).toEqual(inner);
    expect((await inners.selectByBlob(new Uint8Array([1, 2]), { numbers: { eq: [3n] } })).items).toEqual([inner]);
  });

  it("finds the rows of a file that has no aggregate", async () => {
    const store = new MemoryOpaqueStore();
    const [first, second] = ["2026-05-01", "2026-05-02"].map((day) =>
      create(VisitsPerDaySchema, { shopId: "s-1", day, visits: 3n }),
    );
    for (const row of [first, second]) if (row) await store.put(opaqueDataFromMessage(VisitsPerDaySchema, row));
    const visits = new VisitsPerDayQueries(store);
    expect(await visits.get("s-1", "2026-05-01")).toEqual(first);
    expect((await visits.selectByShopId("s-1", { day: { ge: "2026-05-02" } })).items).toEqual([second]);
  });

  it("compares numbers that are strings in TypeScript as numbers", async () => {
    const store = new MemoryOpaqueStore();
    const lines = ["9", "10", "11"].map((line) => create(EntrySchema, { account: "7", line }));
    for (const line of lines) await store.put(opaqueDataFromMessage(EntrySchema, line));
    const entries = new EntryQueries(store);
    expect(await entries.get("7", "10")).toEqual(lines[1]);
    const found: object[] = [];
    let cursor: string | undefined;
    do {
      const page = await entries.selectByAccount("7", { line: { between: [9n, 10n] }, cursor });
      found.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(found).toEqual(lines.slice(0, 2));
  });

  it("finds by an enum of another file", async () => {
    const store = new MemoryOpaqueStore();
    const booking = create(BookingSchema, { id: "b-1", color: Color.RED, secondColor: Color.RED });
    await store.put(opaqueDataFromMessage(BookingSchema, booking));
    const bookings = new BookingQueries(store);
    expect((await bookings.selectByColor(Color.RED, { secondColor: { eq: Color.RED } })).items).toEqual([booking]);
    expect((await bookings.selectBySecondColor(Color.UNSPECIFIED)).items).toEqual([]);
  });

  it("refuses to compare the last field of a sort key without the others", async () => {
    const error = await new PageQueries(new MemoryOpaqueStore())
      .selectByOwnerWithRankAndTitle("ann", { title: { eq: "one" } })
      .catch((reason: unknown) => reason);
    expect(isProtosourceError(error, "invalid_argument")).toBe(true);
  });
});
