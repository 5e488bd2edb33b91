/** `streams delete` and `streams archive`: with a file first, and again after an interruption at each moment. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import {
  type EventStore,
  type RepairableStore,
  Repository,
  type RestorableStore,
  type ScannedRecord,
} from "protosource-es";
import { type OpaqueStore, rowKey } from "protosource-es/opaquedata";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { OrderSchema, OrderSummarySchema } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import {
  type OrderTypes,
  orderCommands,
} from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildDomain, ORDERS } from "../orders.js";
import { type Ended, runHere } from "../run-here.js";

interface Opened {
  readonly url: string;
  readonly store: EventStore & RepairableStore & RestorableStore;
  readonly rows: OpaqueStore;
}

const folder = temporaryFolder();
let domain = "";
beforeAll(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
  domain = await buildDomain();
});
afterAll(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

let files = 0;
const freshPath = (extension: string): string => folder.path(`delete-${files++}.${extension}`);

function openFile(): Opened {
  const path = freshPath("db");
  const store = new SqliteStore(openSqlite(path));
  return { url: `sqlite:${path}`, store, rows: store.opaqueStore };
}

/** Makes an order of so many events, the first 50 of them in one save, with its rows. */
async function makeOrder({ store }: Pick<Opened, "store">, id: string, events = 5): Promise<string> {
  const orders: Repository<OrderTypes> = new Repository(order, store);
  const tags = Array.from({ length: events - 1 }, (_, i) =>
    orderCommands.AddTag({ tag: { key: `k${i}`, value: "v" } }),
  );
  await orders.apply([orderCommands.Create({ customerId: "c-1" }), ...tags.slice(0, 49)], { id, actor: "ann" });
  if (events > 50) await orders.apply(tags.slice(49), { id, actor: "ann" });
  return `${ORDERS}${id}`;
}

const recordsOf = async ({ store }: Opened, stream: string): Promise<readonly ScannedRecord[]> =>
  (await store.scan({ aggregateId: stream, limit: 1000 })).records;
const run = (command: string, { url }: Opened, stream: string, ...more: readonly string[]): Promise<Ended> =>
  runHere(["streams", command, stream, "--store", url, "--domain", domain, "--json", ...more]);
const importFile = (file: string, { url }: Opened): Promise<Ended> => runHere(["import", file, "--store", url]);
const json = ({ stdout }: Ended): unknown => JSON.parse(stdout);

const eventsIn = (path: string): number =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.startsWith('{"event"')).length;

const { endpoint, name } = engines[0] as (typeof engines)[number];

describe.each([
  ["SQLite", async () => openFile()],
  [
    name,
    async () => {
      const { url, store, opaqueStore: rows } = await freshTables(endpoint);
      return { url, store, rows };
    },
  ],
] as const)("on %s", (_, open: () => Promise<Opened>) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await open();
  });

  it("takes an aggregate away into a file, which can be imported once the id is free", async () => {
    const stream = await makeOrder(opened, "whole");
    const before = await recordsOf(opened, stream);
    const plan = await run("delete", opened, stream);
    expect(plan).toMatchObject({ code: 3 });
    expect(json(plan)).toMatchObject({ plan: { events: 5, rows: 2, claims: 0, deleted: false } });
    expect(await recordsOf(opened, stream)).toHaveLength(5);
    const backup = freshPath("jsonl");
    expect(await run("delete", opened, stream, "--backup", backup, "--actor", "ann")).toMatchObject({ code: 0 });
    expect(await recordsOf(opened, stream)).toMatchObject([{ record: { version: 6n } }]);
    expect(await opened.rows.get(rowKey(OrderSchema, "whole"), { consistent: true })).toBeUndefined();
    expect(await run("delete", opened, stream)).toMatchObject({ code: 0 });
    expect(await run("repair", opened, stream)).toMatchObject({ code: 0 });
    expect(json(await run("show", opened, stream))).toMatchObject({
      ...{ type: "protosource_es.stream.v1.Tombstone", version: "6", actor: "ann" },
    });
    expect(await run("delete", opened, stream, "--backup", backup, "--free-id")).toMatchObject({ code: 0 });
    expect(await run("delete", opened, stream)).toMatchObject({ code: 4 });
    // The same call once more has nothing left to do; a file of another stream says nothing of this one.
    expect(json(await run("delete", opened, stream, "--backup", backup, "--free-id"))).toMatchObject({
      plan: { deleted: true },
    });
    expect(await run("delete", opened, `${ORDERS}other`, "--backup", backup, "--free-id")).toMatchObject({ code: 4 });
    const restored = await importFile(backup, opened);
    expect(restored).toMatchObject({ code: 0 });
    expect((await recordsOf(opened, stream)).map(({ record }) => record)).toEqual(before.map(({ record }) => record));
    expect(await new Repository(order, opened.store).load("whole")).toMatchObject({ version: 5n });
  });

  it("goes on from wherever a call was interrupted, and touches nothing else", async () => {
    const { store, rows } = opened;
    const neighbour = await makeOrder(opened, "neighbour");
    const kept = await recordsOf(opened, neighbour);
    const id = "stopped";
    const stream = await makeOrder(opened, id);
    const events = (await recordsOf(opened, stream)).map(({ record }) => record);
    const keys = [rowKey(OrderSchema, id), rowKey(OrderSummarySchema, id)];
    const [row, summary] = await Promise.all(keys.map((key) => rows.get(key, { consistent: true })));
    if (row === undefined || summary === undefined) throw new Error("it has two rows");
    const backup = freshPath("jsonl");
    // A file that was begun and not ended is no backup yet.
    writeFileSync(`${backup}.part`, '{"protosource":"exp');
    // What a call that ended has undone, each time a step further back: as if it had stopped there.
    const undo: readonly (() => Promise<unknown>)[] = [
      async () => {},
      () => store.restore(stream, events.slice(2)),
      () => store.restore(stream, events),
      async () => [await store.restore(stream, events), await rows.put(summary)],
      async () => {
        await store.cutDamagedEnd(
          stream,
          (await recordsOf(opened, stream)).map(({ record }) => record),
        );
        await store.restore(stream, events);
        await Promise.all([rows.put(row), rows.put(summary)]);
      },
    ];
    for (const back of undo) {
      await back();
      expect(await run("delete", opened, stream, "--backup", backup)).toMatchObject({ code: 0 });
      expect(await recordsOf(opened, stream)).toMatchObject([{ record: { version: 6n } }]);
      for (const key of keys) expect(await rows.get(key, { consistent: true })).toBeUndefined();
      expect(eventsIn(backup)).toBe(5);
    }
    expect(existsSync(`${backup}.part`)).toBe(false);
    expect(await recordsOf(opened, neighbour)).toEqual(kept);
  });

  it("refuses a file that lacks what is stored, and one that is damaged", async () => {
    const stream = await makeOrder(opened, "refused");
    const foreign = freshPath("jsonl");
    expect(await run("delete", opened, await makeOrder(opened, "other"), "--backup", foreign)).toMatchObject({
      code: 0,
    });
    const damaged = freshPath("jsonl");
    writeFileSync(damaged, readFileSync(foreign, "utf8").replace(/"data":"C/, '"data":"D'));
    for (const file of [foreign, damaged]) {
      expect(await run("delete", opened, stream, "--backup", file)).toMatchObject({ code: 2 });
    }
    expect(await recordsOf(opened, stream)).toHaveLength(5);
  });

  it("moves what lies before the last snapshot into a file, again where it was interrupted, and back", async () => {
    const stream = await makeOrder(opened, "long", 55);
    const before = (await recordsOf(opened, stream)).map(({ record }) => record);
    const loaded = await new Repository(order, opened.store).load("long");
    const backup = freshPath("jsonl");
    expect(await run("archive", opened, stream, "--backup", backup)).toMatchObject({ code: 2 });
    expect(json(await run("archive", opened, stream))).toMatchObject({ plan: { events: 50, from: "51" } });
    const more = ["--backup", backup, "--without-go"];
    expect(await run("archive", opened, stream, ...more)).toMatchObject({ code: 0 });
    await opened.store.restore(stream, before.slice(20, 50));
    expect(await run("archive", opened, stream, ...more)).toMatchObject({ code: 0 });
    expect((await recordsOf(opened, stream))[0]).toMatchObject({ record: { version: 51n } });
    expect(eventsIn(backup)).toBe(50);
    const orders: Repository<OrderTypes> = new Repository(order, opened.store);
    expect(await orders.load("long")).toEqual(loaded);
    await orders.apply(orderCommands.AddTag({ id: "long", actor: "ann", tag: { key: "more" } }));
    expect(await run("archive", opened, stream, ...more)).toMatchObject({ code: 0 });
    expect(await importFile(backup, opened)).toMatchObject({ code: 0 });
    expect((await recordsOf(opened, stream)).slice(0, -1).map(({ record }) => record)).toEqual(before);
  });

  it("puts archives back newest first, and refuses what would leave a gap, or is older than what is stored", async () => {
    const stream = await makeOrder(opened, "often", 55);
    const [older, newer] = [freshPath("jsonl"), freshPath("jsonl")];
    const archive = (file: string): Promise<Ended> => run("archive", opened, stream, "--backup", file, "--without-go");
    const restore = (file: string): Promise<Ended> => importFile(file, opened);
    const stored = async () => (await recordsOf(opened, stream)).map(({ record }) => record);
    const first = await stored();
    expect(await archive(older)).toMatchObject({ code: 0 });
    const orders: Repository<OrderTypes> = new Repository(order, opened.store);
    const tags = Array.from({ length: 60 }, (_, i) => orderCommands.AddTag({ tag: { key: `more${i}` } }));
    await orders.apply(tags, { id: "often", actor: "ann" });
    const before = [...first.slice(0, 50), ...(await stored())];
    // A file of an earlier call lacks what came since.
    expect(await archive(older)).toMatchObject({ code: 2 });
    expect(await archive(newer)).toMatchObject({ code: 0 });
    const left = await stored();
    expect(left.length).toBeLessThan(before.length - 50);
    const damaged = freshPath("jsonl");
    writeFileSync(damaged, readFileSync(newer, "utf8").replace(/"data":"C/, '"data":"D'));
    expect(await restore(damaged)).toMatchObject({ code: 2 });
    expect(await restore(older)).toMatchObject({ code: 7 });
    expect(await stored()).toEqual(left);
    for (const file of [newer, older, older]) expect(await restore(file)).toMatchObject({ code: 0 });
    expect(await stored()).toEqual(before);
  });

  it("puts nothing back of an aggregate that was deleted, or begun anew since", async () => {
    const stream = await makeOrder(opened, "anew", 3);
    const backup = freshPath("jsonl");
    const stored = async () => (await recordsOf(opened, stream)).map(({ record }) => record);
    expect(await run("delete", opened, stream, "--backup", backup)).toMatchObject({ code: 0 });
    const tombstone = await stored();
    expect(await importFile(backup, opened)).toMatchObject({ code: 7 });
    expect(await stored()).toEqual(tombstone);
    expect(await run("delete", opened, stream, "--backup", backup, "--free-id")).toMatchObject({ code: 0 });
    await makeOrder(opened, "anew", 2);
    const begun = await stored();
    expect(await importFile(backup, opened)).toMatchObject({ code: 7 });
    expect(await stored()).toEqual(begun);
    // Nor is it an archive of another stream.
    const other = await makeOrder(opened, "another", 51);
    expect(await run("archive", opened, other, "--backup", backup, "--without-go")).toMatchObject({ code: 2 });
    expect(await recordsOf(opened, other)).toHaveLength(52);
  });

  it("puts no archive of another life of an id before what is stored, also where the versions fit", async () => {
    const stored = async (stream: string) => (await recordsOf(opened, stream)).map(({ record }) => record);
    const archived = async () => {
      const stream = await makeOrder(opened, "lives", 51);
      const before = await stored(stream);
      const archive = freshPath("jsonl");
      expect(await run("archive", opened, stream, "--backup", archive, "--without-go")).toMatchObject({ code: 0 });
      return { stream, before, archive };
    };
    const first = await archived();
    const backup = freshPath("jsonl");
    expect(await run("delete", opened, first.stream, "--backup", backup, "--free-id")).toMatchObject({ code: 0 });
    const second = await archived();
    const left = await stored(second.stream);
    expect(left.length).toBeLessThan(second.before.length);
    expect(await importFile(first.archive, opened)).toMatchObject({ code: 7 });
    expect(await stored(second.stream)).toEqual(left);
    expect(await importFile(second.archive, opened)).toMatchObject({ code: 0 });
    expect(await stored(second.stream)).toEqual(second.before);
  });

  it("moves nothing before a snapshot that tells another state", async () => {
    const stream = await makeOrder(opened, "lying", 51);
    const records = (await recordsOf(opened, stream)).map(({ record }) => record);
    const other = await makeOrder(opened, "truthful", 50);
    const [, snapshot] = (await recordsOf(opened, other)).slice(-2);
    if (snapshot === undefined) throw new Error("it ends with a snapshot");
    const lying = `${ORDERS}copy`;
    await opened.store.restore(lying, records.slice(0, 49));
    await opened.store.save(lying, [{ ...snapshot.record, version: 50n }]);
    expect(await run("archive", opened, lying)).toMatchObject({ code: 4 });
  });
});

it("moves nothing that a subscription still has to read", async () => {
  const opened = openFile();
  const stream = await makeOrder(opened, "followed", 52);
  const { store } = opened;
  const following = await buildDomain(`
    import { defineHandler, on } from "protosource-es/subscriptions";
    import { order } from "../../examples/orders/src/order.js";
    export const tags = defineHandler({ name: "tags", from: [on(order, { TagAdded() {} })] });
    export const payments = defineHandler({ name: "payments", from: [on(order, { Paid() {} })] });
  `);
  const more = ["--store", opened.url, "--domain", following, "--json"];
  const archive = (...args: readonly string[]): Promise<Ended> =>
    runHere(["streams", "archive", stream, ...more, ...args]);
  const move = ["--backup", freshPath("jsonl"), "--without-go"];
  expect(json(await archive())).toMatchObject({ plan: { events: 50, behind: ["tags@1"] } });
  expect(await archive(...move)).toMatchObject({ code: 2, stderr: expect.stringContaining("tags@1") });
  expect((await store.scan({ aggregateId: stream })).records).toHaveLength(53);
  const catchUp = ["subscriptions", "catch-up", ...more, "--state", freshPath("json")];
  expect(await runHere(catchUp)).toMatchObject({ code: 0 });
  expect(await archive(...move)).toMatchObject({ code: 0 });
  expect((await store.scan({ aggregateId: stream })).records).toHaveLength(3);
});
