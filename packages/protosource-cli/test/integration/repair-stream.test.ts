/** `streams repair`: each kind of damage, made as an operator's mishap makes it, is planned for and mended. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { Repository } from "protosource-es";
import { DynamoDBStore } from "protosource-es/dynamodb";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  OrderQueries,
  type OrderTypes,
  orderCommands,
} from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { type CliResult, runCli } from "../cli.js";
import { engines, freshTables, type TestTables, temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { buildDomain, ORDERS } from "../orders.js";

const folder = temporaryFolder();
const image = folder.path("image.binpb");
let domain = "";
beforeAll(async () => {
  buildImage(image);
  domain = await buildDomain();
});
afterAll(() => folder.remove());

let files = 0;
const freshPath = (extension: string): string => folder.path(`repair-${files++}.${extension}`);

/** Makes an order of a number of events, each a save of its own, with its rows. */
async function makeOrder(store: ConstructorParameters<typeof Repository>[1], id: string, events = 5): Promise<void> {
  const orders: Repository<OrderTypes> = new Repository(order, store);
  await orders.apply(orderCommands.Create({ id, actor: "ann", customerId: "c-1", customerName: "Zoë" }));
  for (let i = 2; i <= events; i++) {
    const item = { itemId: `i-${i}`, priceCents: 5n, quantity: 1 };
    await orders.apply(orderCommands.AddItem({ id, item, actor: "ann" }));
  }
}

async function itemsInRow(opaqueStore: OpaqueStore, id: string): Promise<number | undefined> {
  const row = await new OrderQueries(opaqueStore).get(id, { consistent: true });
  return row && Object.keys(row.items).length;
}

const repair = (store: string, stream: string, ...more: readonly string[]): Promise<CliResult> =>
  runCli(["streams", "repair", stream, "--store", store, "--json", ...more]);

/** Gives the plan that a look at a stream ends with. */
function planIn({ code, json }: CliResult): Record<string, unknown> {
  expect(code).toBe(3);
  return json().at(-1)?.["plan"] as Record<string, unknown>;
}

const kindsIn = ({ json }: CliResult): unknown[] => json().flatMap(({ problem }) => problem ?? []);

describe.each(engines)("streams repair on $name", ({ endpoint }) => {
  let tables: TestTables;
  let packed: DynamoDBStore;
  let id: string;
  let stream: string;
  let ids = 0;

  const key = (version: number) => ({ a: { S: stream }, v: { N: `${version}` } });
  const remove = (version: number): Promise<unknown> =>
    tables.client.send(new DeleteItemCommand({ TableName: tables.eventsTable, Key: key(version) }));
  const update = (version: number, name: string, value: { N: string } | { B: Uint8Array } | { S: string }) =>
    tables.client.send(
      new UpdateItemCommand({
        TableName: tables.eventsTable,
        Key: key(version),
        UpdateExpression: "SET #name = :value",
        ExpressionAttributeNames: { "#name": name },
        ExpressionAttributeValues: { ":value": value },
      }),
    );
  const versions = async (): Promise<number[]> =>
    (await tables.store.load(stream)).records.map(({ version }) => Number(version));
  const mend = async (cut: number): Promise<readonly string[]> => {
    const backup = freshPath("jsonl");
    const result = await repair(tables.url, stream, "--descriptors", image, "--cut", `${cut}`, "--backup", backup);
    expect(result).toMatchObject({ code: 0 });
    expect((await repair(tables.url, stream, "--descriptors", image)).code).toBe(0);
    return readFileSync(backup, "utf8").trimEnd().split("\n");
  };
  const eventsIn = (lines: readonly string[]): number[] =>
    lines.flatMap((line) => {
      const { event } = JSON.parse(line) as { event?: { version: string } };
      return event ? [Number(event.version)] : [];
    });

  beforeAll(async () => {
    tables = await freshTables(endpoint);
    const { eventsTable, opaqueStore } = tables;
    packed = new DynamoDBStore(tables.client, { eventsTable, opaqueStore, layout: "packed" });
  });
  afterAll(() => tables.client.destroy());
  beforeEach(() => {
    id = `${ids++}`;
    stream = ORDERS + id;
  });

  it("says that a whole stream is whole, and cuts nothing of it", async () => {
    await makeOrder(tables.store, id, 3);
    const human = await runCli(["streams", "repair", stream, "--store", tables.url]);
    expect(human).toMatchObject({ code: 0, stdout: `${stream} is whole.\n`, stderr: "" });
    const refused = await repair(tables.url, stream, "--cut", "2", "--backup", freshPath("jsonl"));
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("is whole: nothing was taken away");
    expect(await versions()).toEqual([1, 2, 3]);
    const absent = await repair(tables.url, `${ORDERS}absent`);
    expect(absent).toMatchObject({ code: 4, stdout: "" });
  });

  it("mends a gap, with the rows that tell of later versions, and import brings back what it took", async () => {
    await makeOrder(tables.store, id);
    await remove(3);
    const look = await repair(tables.url, stream, "--descriptors", image);
    expect(kindsIn(look)).toEqual(["gap"]);
    expect(planIn(look)).toMatchObject({
      wholeTo: "2",
      cut: "3",
      behind: 2,
      versions: ["4–5"],
      rows: [
        { sk: "AGG", version: "5" },
        { sk: "PROJ#OrderSummary", version: "5" },
      ],
    });
    const lines = await mend(3);
    expect(eventsIn(lines)).toEqual([4, 5]);
    expect(lines).toHaveLength(6);
    expect(await versions()).toEqual([1, 2]);
    expect(await itemsInRow(tables.opaqueStore, id)).toBeUndefined();

    const state = freshPath("json");
    await runCli(["rebuild", "--store", tables.url, "--domain", domain, "--state", state]);
    expect(await itemsInRow(tables.opaqueStore, id)).toBe(1);

    const backup = freshPath("jsonl");
    writeFileSync(backup, `${lines.join("\n")}\n`);
    expect(await runCli(["import", backup, "--store", tables.url])).toMatchObject({ code: 0 });
    expect(planIn(await repair(tables.url, stream, "--descriptors", image))).toMatchObject({ cut: "3", behind: 2 });
    await mend(3);
  });

  it("mends a torn end", async () => {
    await makeOrder(tables.store, id, 2);
    const { records } = await tables.store.load(stream);
    const last = records.at(-1);
    if (!last) throw new Error("there are no records");
    await tables.store.save(
      stream,
      [3n, 4n, 5n].map((version) => ({ ...last, version })),
    );
    await remove(5);
    const look = await repair(tables.url, stream);
    expect(kindsIn(look)).toEqual(["torn"]);
    expect(planIn(look)).toMatchObject({ wholeTo: "2", cut: "3", behind: 2, versions: ["3–4"] });
    expect(eventsIn(await mend(3))).toEqual([3, 4]);
    expect(await versions()).toEqual([1, 2]);
  });

  it("mends a torn end of packed items", async () => {
    await makeOrder(packed, id, 2);
    const [, last] = (await packed.load(stream)).records;
    if (!last) throw new Error("there are no records");
    await packed.save(
      stream,
      [3n, 4n].map((version) => ({ ...last, version })),
    );
    await update(3, "m", { N: "2" });
    const look = await repair(tables.url, stream);
    expect(kindsIn(look)).toEqual(["torn"]);
    expect(planIn(look)).toMatchObject({ wholeTo: "2", cut: "3", behind: 2 });
    expect(eventsIn(await mend(3))).toEqual([3, 4]);
    expect(await versions()).toEqual([1, 2]);
  });

  it("mends an overlap, where nothing tells which save is right", async () => {
    await makeOrder(packed, id, 2);
    const { records } = await packed.load(stream);
    const [, last] = records;
    if (!last) throw new Error("there are no records");
    await packed.save(
      stream,
      [3n, 4n, 5n].map((version) => ({ ...last, version })),
    );
    await tables.client.send(
      new PutItemCommand({ TableName: tables.eventsTable, Item: { ...key(4), d: { B: last.data } } }),
    );
    const look = await repair(tables.url, stream);
    expect(kindsIn(look)).toEqual(["overlap"]);
    expect(planIn(look)).toMatchObject({ wholeTo: "2", cut: "3", behind: 4, versions: ["3–5", "4"] });
    expect(eventsIn(await mend(3))).toEqual([3, 4, 5, 4]);
    expect(await versions()).toEqual([1, 2]);
  });

  it("mends a record that can't be decoded", async () => {
    await makeOrder(tables.store, id);
    await update(4, "d", { B: Uint8Array.of(0x1f, 0x8b, 1) });
    const look = await repair(tables.url, stream, "--descriptors", image);
    expect(kindsIn(look)).toEqual(["undecodable"]);
    expect(planIn(look)).toMatchObject({ wholeTo: "3", cut: "4", behind: 2 });
    expect(eventsIn(await mend(4))).toEqual([4, 5]);
    expect(await versions()).toEqual([1, 2, 3]);
  });

  it("leaves an item that is no record, because it can't be backed up, and verify goes on past it", async () => {
    await makeOrder(tables.store, id);
    await update(3, "d", { S: "text" });
    const look = await repair(tables.url, stream, "--descriptors", image);
    expect(kindsIn(look)).toEqual(["unreadable"]);
    expect(planIn(look)).toMatchObject({ wholeTo: "2", cut: "3", behind: 2 });
    const backup = freshPath("jsonl");
    const refused = await repair(tables.url, stream, "--descriptors", image, "--cut", "3", "--backup", backup);
    expect(refused).toMatchObject({ code: 3, stdout: "" });
    expect(refused.stderr).toMatch(/^protosource: .*can't be backed up.*\n$/);
    expect(existsSync(backup)).toBe(false);
    const verified = await runCli(["streams", "verify", "--store", tables.url, "--descriptors", image, "--json"]);
    expect(verified.code).toBe(3);
    expect(verified.json().at(-1)).toMatchObject({ verified: { problems: 1 } });
    await remove(3);
    await mend(3);
  });

  it("says that a stream loads from a snapshot behind its damage, and cuts it only when told so", async () => {
    await makeOrder(tables.store, id, 54);
    await remove(3);
    const look = await repair(tables.url, stream, "--descriptors", image);
    expect(kindsIn(look)).toEqual(["gap"]);
    expect(planIn(look)).toMatchObject({ cut: "3", behind: 52, loads: true });
    const human = await runCli(["streams", "repair", stream, "--store", tables.url, "--descriptors", image]);
    expect(human.stdout).toContain("Programs load it all the same");
    expect(human.stderr).toMatch(/--although-it-loads\n$/);
    const backup = freshPath("jsonl");
    const cut = ["--cut", "3", "--backup", backup];
    for (const known of [["--descriptors", image], ["--without-rows"]]) {
      const refused = await repair(tables.url, stream, ...known, ...cut);
      expect(refused).toMatchObject({ code: 2, stdout: "" });
      expect(refused.stderr).toContain("--although-it-loads");
    }
    expect(existsSync(backup)).toBe(false);
    const orders: Repository<OrderTypes> = new Repository(order, tables.store);
    expect(Object.keys((await orders.load(id)).items)).toHaveLength(53);
    const told = await repair(tables.url, stream, "--descriptors", image, ...cut, "--although-it-loads");
    expect(told.json()).toMatchObject([{ repaired: { wholeTo: "2", records: 52, rows: 2 } }]);
    expect(await versions()).toEqual([1, 2]);
  });

  it("cuts nothing for what isn't damage", async () => {
    await makeOrder(tables.store, id, 2);
    const { records } = await tables.store.load(stream);
    const copy = `${ORDERS}copy-${id}`;
    await tables.store.save(copy, records);
    const look = await repair(tables.url, copy, "--descriptors", image);
    expect(look.code).toBe(3);
    expect(kindsIn(look)).toEqual(["misplaced", "misplaced"]);
    expect(look.json().at(-1)).toMatchObject({ plan: null });
    const refused = await repair(
      tables.url,
      copy,
      "--descriptors",
      image,
      "--cut",
      "1",
      "--backup",
      freshPath("jsonl"),
    );
    expect(refused.code).toBe(2);
    for (const version of [1, 2]) {
      await tables.client.send(
        new DeleteItemCommand({ TableName: tables.eventsTable, Key: { a: { S: copy }, v: { N: `${version}` } } }),
      );
    }
  });
});

describe("streams repair on a file", () => {
  const path = freshPath("db");
  const url = `sqlite:${path}`;
  const stream = `${ORDERS}1`;
  const damage = (sql: string): void => {
    const database = openSqlite(path);
    database.exec(sql);
    database.close();
  };
  const where = (id: string, version: number): string => `WHERE stream = '${ORDERS}${id}' AND version = ${version}`;

  beforeAll(async () => {
    const database = openSqlite(path);
    const store = new SqliteStore(database);
    for (const id of ["1", "2"]) await makeOrder(store, id);
    database.close();
    damage(`DELETE FROM protosource_events ${where("1", 3)}`);
    damage(`UPDATE protosource_events SET data = x'ff' ${where("2", 2)}`);
  });

  it("isn't needed when an export has the missing records", async () => {
    const copy = freshPath("db");
    const whole = freshPath("jsonl");
    const database = openSqlite(copy);
    await makeOrder(new SqliteStore(database), "1");
    expect((await runCli(["export", "--store", `sqlite:${copy}`, "-o", whole])).code).toBe(0);
    database.exec(`DELETE FROM protosource_events ${where("1", 3)}`);
    database.close();
    expect((await repair(`sqlite:${copy}`, stream)).code).toBe(3);
    const imported = await runCli(["import", whole, "--store", `sqlite:${copy}`, "--json"]);
    expect(imported.json()).toMatchObject([{ written: 1, present: 6, problems: 0 }]);
    expect((await repair(`sqlite:${copy}`, stream)).code).toBe(0);
  });

  it("shows the plan, and the line that carries it out", async () => {
    const args = ["streams", "repair", stream, "--store", url, "--descriptors", image];
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^STREAM +VERSION +PROBLEM +WHAT\n.* 3 +gap /);
    expect(stdout).toContain("It is whole up to version 2.\nBehind lie 2 records: 4–5.\n");
    expect(stdout).toContain('sk="AGG", of version 5, tells of them.');
    const [, line] = /\n {2}protosource (streams repair .*)\n$/.exec(stderr) ?? [];
    expect(line).toBe(
      `streams repair '${stream}' --store ${url} --descriptors ${image} --cut 3 --backup removed.jsonl`,
    );
  });

  it("refuses another cut, a half of the options, a backup that exists, and to forget the rows", async () => {
    const backup = freshPath("jsonl");
    writeFileSync(backup, "mine");
    const fresh = freshPath("jsonl");
    const refusals: readonly [readonly string[], string][] = [
      [["--cut", "2", "--backup", fresh, "--descriptors", image], "give --cut 3"],
      [["--cut", "4", "--backup", fresh, "--descriptors", image], "give --cut 3"],
      [["--cut", "-1", "--backup", fresh], "--cut"],
      [["--cut", "99999999999999999999", "--backup", fresh], "--cut"],
      [["--cut", "3"], "--backup"],
      [["--backup", fresh], "--cut"],
      [["--cut", "3", "--backup", backup, "--descriptors", image], "EEXIST"],
      [["--cut", "3", "--backup", folder.path("no/folder.jsonl"), "--descriptors", image], "there is no folder"],
      [["--cut", "3", "--backup", fresh], "--without-rows"],
    ];
    for (const [options, part] of refusals) {
      const { code, stdout, stderr } = await repair(url, stream, ...options);
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(/^.+\n$/) });
      expect(stderr).toContain(part);
    }
    expect(readFileSync(backup, "utf8")).toBe("mine");
    expect(existsSync(fresh)).toBe(false);
    expect((await repair(url, stream)).json().at(-1)).toMatchObject({ plan: { behind: 2 } });
  });

  it("mends a gap and a record that can't be decoded", async () => {
    const args = ["--descriptors", image, "--backup"];
    const gap = await runCli([
      ...["streams", "repair", stream, "--store", url, "--cut", "3", ...args, freshPath("jsonl")],
    ]);
    expect(gap.code).toBe(0);
    expect(gap.stdout).toMatch(/ends at version 2\. Taken away: 2 records and 2 rows, kept in .*\.jsonl\.\n$/);
    const other = `${ORDERS}2`;
    expect(planIn(await repair(url, other, "--descriptors", image))).toMatchObject({ cut: "2", behind: 4 });
    const kept = await repair(url, other, "--without-rows", "--cut", "2", ...args, freshPath("jsonl"));
    expect(kept.json()).toMatchObject([{ repaired: { wholeTo: "1", records: 4, rows: 0 } }]);

    const database = openSqlite(path);
    const store = new SqliteStore(database);
    expect((await store.load(stream)).records).toHaveLength(2);
    expect((await store.load(other)).records).toHaveLength(1);
    expect(await itemsInRow(store.opaqueStore, "1")).toBeUndefined();
    expect(await itemsInRow(store.opaqueStore, "2")).toBe(4);
    database.close();
    const verified = await runCli(["streams", "verify", "--store", url, "--descriptors", image]);
    expect(verified.code).toBe(0);
  });
});
