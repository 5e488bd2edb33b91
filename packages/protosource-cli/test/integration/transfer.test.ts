/** `export` and `import`, between any two stores. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type AttributeValue, DeleteItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { DynamoDBStore } from "protosource-es/dynamodb";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventLine } from "../../src/transfer/entries.js";
import { type CliResult, interruptCli, runCli } from "../cli.js";
import { engines, freshTables, type TestTables, temporaryFolder } from "../engines.js";
import { goldenItems } from "../golden.js";
import { ORDERS, saveOrders } from "../orders.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

let files = 0;
const freshFile = (): string => `sqlite:${folder.path(`${files++}.db`)}`;

/** Exports a store, and gives what was printed. */
async function exported(store: string, ...args: string[]): Promise<string> {
  const { code, stdout } = await runCli(["export", "--store", store, ...args]);
  expect(code).toBe(0);
  return stdout;
}

const imported = (file: string, store: string, ...args: string[]): Promise<CliResult> =>
  runCli(["import", file, "--store", store, ...args]);

describe.each(engines)("the golden tables on $name", ({ endpoint }) => {
  let golden: TestTables;
  let copy: TestTables;
  const file = folder.path(`golden-${encodeURIComponent(endpoint)}.jsonl`);

  beforeAll(async () => {
    [golden, copy] = await Promise.all([freshTables(endpoint, { ttl: false }), freshTables(endpoint, { ttl: false })]);
    const { events, aggregates } = goldenItems();
    for (const item of events) await golden.putRaw("events", item);
    for (const item of aggregates) await golden.putRaw("aggregates", item);
    const { code, stdout } = await runCli(["export", "--store", golden.url, "-o", file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `18 events and 4 rows, 2.5 kB, in ${file}\n` });
  });
  afterAll(() => {
    golden.client.destroy();
    copy.client.destroy();
  });

  it("go to a file and back, byte for byte", async () => {
    const text = readFileSync(file, "utf8");
    expect(text.split("\n")).toHaveLength(18 + 4 + 3);
    expect(await exported(golden.url)).toBe(text);

    const store = freshFile();
    const { code, stdout } = await imported(file, store);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "18 events and 4 rows, 2.5 kB\n22 written, 0 there already\nAll of it was read back, and is the same.\n",
    });
    expect(await exported(store)).toBe(text);

    const fromFile = folder.path("from-file.jsonl");
    expect((await runCli(["export", "--store", store, "-o", fromFile])).code).toBe(0);
    expect((await imported(fromFile, copy.url)).code).toBe(0);
    expect(await exported(copy.url)).toBe(text);
  });

  it("are left as they are by another import, also from standard input", async () => {
    const text = readFileSync(file, "utf8");
    const again = await runCli(["import", "-", "--store", golden.url, "--json"], { stdin: text });
    expect(again.code).toBe(0);
    const [{ imported: totals, written, present, problems } = {}] = again.json();
    expect({ totals, problems }).toMatchObject({ totals: { events: 18, rows: 4 }, problems: 0 });
    // A row that has expired counts for absent, and is written again.
    expect(Number(written) + Number(present)).toBe(22);
    expect(Number(present)).toBeGreaterThanOrEqual(20);
    expect(await exported(golden.url)).toBe(text);
  });

  it("make the same lines in any order, and in parts", async () => {
    const text = readFileSync(file, "utf8");
    const unsorted = await exported(golden.url, "--unsorted");
    expect(unsorted.split("\n").toSorted()).toEqual(text.split("\n").toSorted());
    const rows = await exported(golden.url, "--only", "rows");
    expect(rows.split("\n").slice(1, 5)).toEqual(text.split("\n").slice(19, 23));
    const part = folder.path("part.jsonl");
    writeFileSync(part, text.split("\n").slice(3, 7).join("\n"));
    expect((await imported(part, freshFile())).code).toBe(2);
    const { code, json } = await imported(part, freshFile(), "--incomplete", "--json");
    expect(code).toBe(0);
    expect(json()).toMatchObject([{ written: 4 }]);
  });
});

describe("claims", () => {
  const claims = [{ scope: "email", value: "ann@example.com", owner: `${ORDERS}1` }];
  const record = { $typeName: "funinthecloud.protosource.record.v1.Record", version: 1n, ttl: 0n } as const;
  const writes = [{ aggregateId: `${ORDERS}1`, records: [{ ...record, data: Uint8Array.of(1) }] }];

  it("are left out of an export, which says so", async () => {
    const [engine] = engines;
    const tables = await freshTables(engine?.endpoint ?? "");
    await tables.store.saveAll(writes, { claims });
    tables.client.destroy();
    const file = freshFile();
    const database = openSqlite(file.slice("sqlite:".length));
    await new SqliteStore(database).saveAll(writes, { claims });
    database.close();
    for (const store of [tables.url, file]) {
      const { code, stderr, stdout } = await runCli(["export", "--store", store]);
      expect(code).toBe(0);
      expect(stderr).toContain("1 claim left out");
      expect(stdout.split("\n")).toHaveLength(4);
    }
  });
});

describe("import", () => {
  const store = freshFile();
  const file = folder.path("orders.jsonl");
  let lines: readonly string[];

  beforeAll(async () => {
    const database = openSqlite(store.slice("sqlite:".length));
    await saveOrders(new SqliteStore(database), 20);
    database.close();
    expect((await runCli(["export", "--store", store, "-o", file])).code).toBe(0);
    lines = readFileSync(file, "utf8").trimEnd().split("\n");
  });

  it.each<[what: string, line: number, change: (line: string) => string]>([
    ["isn't JSON", 5, (line) => line.slice(0, 20)],
    ["isn't UTF-8", 6, (line) => `${line.slice(0, 10)}\u{ff}${line.slice(10)}`],
    ["ends in CRLF", 3, (line) => `${line}\r`],
    ["has no base64", 7, (line) => line.replace('"data":"', '"data":"*')],
    ["has a field", 8, (line) => line.replace('"version"', '"extra":1,"version"')],
    ["has no whole number", 9, (line) => line.replace(/"version":"\d+"/, '"version":7')],
    ["has a version below 1", 10, (line) => line.replace(/"version":"\d+"/, '"version":"0"')],
    ["is neither an event nor a row", 11, () => "{}"],
    ["is the head of another export", 12, () => lines[0] ?? ""],
    ["isn't the head of an export", 1, () => lines[1] ?? ""],
    ["is of format 2", 1, () => '{"protosource":"export","format":2}'],
    ["doesn't say which event follows", 1, () => '{"protosource":"export","format":1,"before":"o-1"}'],
  ])("refuses a file of which a line %s, with its number, and writes nothing", async (what, line, change) => {
    const broken = folder.path("broken.jsonl");
    const changed = lines.map((text, i) => (i === line - 1 ? change(text) : text));
    writeFileSync(broken, Buffer.from(`${changed.join("\n")}\n`, what === "isn't UTF-8" ? "latin1" : "utf8"));
    const target = freshFile();
    const { code, stdout, stderr } = await imported(broken, target);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`line ${line} of ${broken} ${what}`);
    expect(existsSync(target.slice("sqlite:".length))).toBe(false);
  });

  it("refuses a file that was cut off, changed, or is empty or absent", async () => {
    const broken = folder.path("cut.jsonl");
    const contents = [
      ["without its end", lines.slice(0, -1)],
      ["it holds", [...lines.slice(0, 4), ...lines.slice(5)]],
      ["the lines were changed", lines.map((line) => line.replace(`${ORDERS}1"`, `${ORDERS}x"`))],
      ["comes after the end", [...lines, ...lines.slice(1, 2)]],
      ["is empty", []],
    ] as const;
    for (const [problem, content] of contents) {
      writeFileSync(broken, content.join("\n"));
      const target = freshFile();
      const { code, stderr } = await imported(broken, target);
      expect(code).toBe(2);
      expect(stderr).toContain(problem);
      expect(existsSync(target.slice("sqlite:".length))).toBe(false);
    }
    expect((await imported(folder.path("absent.jsonl"), freshFile())).code).toBe(2);
  });

  it("goes to no folder that isn't there, and names it", async () => {
    const { code, stderr } = await runCli(["export", "--store", store, "-o", folder.path("none/orders.jsonl")]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `protosource: there is no folder ${folder.path("none")}: make it, or give another file by --output\n`,
    });
  });

  it("refuses to write over other events, and names the line", async () => {
    const target = freshFile();
    const database = openSqlite(target.slice("sqlite:".length));
    const other = { $typeName: "funinthecloud.protosource.record.v1.Record", version: 1n, ttl: 0n } as const;
    await new SqliteStore(database).save(`${ORDERS}3`, [{ ...other, data: Uint8Array.of(1) }]);
    database.close();
    const line = lines.findIndex((text) => text.includes(`${ORDERS}3"`)) + 1;
    const { code, stderr } = await imported(file, target);
    expect(code).toBe(7);
    expect(stderr).toContain(`line ${line}: the store holds another version 1 of ${ORDERS}3`);
  });

  it("completes streams of which a part is there", async () => {
    const target = freshFile();
    const database = openSqlite(target.slice("sqlite:".length));
    const source = openSqlite(store.slice("sqlite:".length));
    const { records } = await new SqliteStore(source).load(`${ORDERS}19`);
    await new SqliteStore(database).save(`${ORDERS}19`, records.slice(0, 2));
    source.close();
    database.close();
    const { code, json } = await imported(file, target, "--json");
    expect(code).toBe(0);
    expect(json()).toMatchObject([{ present: 2, problems: 0 }]);
    expect(await exported(target)).toBe(readFileSync(file, "utf8"));
  });

  it("copies streams that expiry has trimmed, and expired records", async () => {
    const source = freshFile();
    const database = openSqlite(source.slice("sqlite:".length));
    const trimmed = [2n, 5n, 6n].map((version) => ({
      $typeName: "funinthecloud.protosource.record.v1.Record" as const,
      version,
      data: Uint8Array.of(Number(version)),
      ttl: version === 2n ? 1n : 0n,
    }));
    for (const record of trimmed) await new SqliteStore(database).restore("p#1", [record]);
    const row = { pk: "p#x", sk: "AGG", t: 5n, version: 2n ** 60n, gsi20pk: "é\u2028", gsi20sk: "NA" };
    const opaqueStore = new SqliteOpaqueStore(database);
    await opaqueStore.put({ ...(await emptyRow()), ...row });
    database.close();
    const text = await exported(source);
    const copied = folder.path("trimmed.jsonl");
    writeFileSync(copied, text);
    const target = freshFile();
    expect((await imported(copied, target)).code).toBe(0);
    expect(await exported(target)).toBe(text);
  });

  it("leaves a row of a later version, and says so", async () => {
    const target = freshFile();
    const database = openSqlite(target.slice("sqlite:".length));
    const row = { ...(await emptyRow()), pk: "p#x", sk: "AGG", version: 5n };
    await new SqliteOpaqueStore(database).put(row);
    const text = await exported(target);
    await new SqliteOpaqueStore(database).put({ ...row, version: 6n });
    database.close();
    const { code, stdout } = await runCli(["import", "-", "--store", target], { stdin: text });
    expect(code).toBe(0);
    expect(stdout).toContain("0 written, 0 there already, 1 row left for a later version\n");
  });
});

describe.each(engines)("export beside a writer on $name", ({ endpoint }) => {
  let tables: TestTables;
  let proxy: FaultProxy;
  let url: string;
  const HIDDEN: Readonly<Record<string, readonly number[]>> = { end: [5, 6], middle: [3], beginning: [1, 2] };

  beforeAll(async () => {
    [tables, proxy] = await Promise.all([freshTables(endpoint), startFaultProxy(endpoint)]);
    url = tables.url.replace(encodeURIComponent(endpoint), encodeURIComponent(proxy.endpoint));
    await saveOrders(tables.store, 12);
    const record = { $typeName: "funinthecloud.protosource.record.v1.Record", ttl: 0n } as const;
    for (const id of Object.keys(HIDDEN)) {
      const records = [1n, 2n, 3n, 4n, 5n, 6n].map((version) => ({ ...record, version, data: Uint8Array.of(1) }));
      await tables.store.save(ORDERS + id, records);
    }
  });
  afterAll(async () => {
    tables.client.destroy();
    await proxy.close();
  });

  it("reads a transaction again of which it saw a part, until it is whole", async () => {
    const queried = new Map<string, number>();
    proxy.decide(({ operation, body }) => {
      if (operation !== "Scan" && operation !== "Query") return "pass";
      const values = body["ExpressionAttributeValues"] as { readonly ":a"?: { readonly S: string } } | undefined;
      const stream = values?.[":a"]?.S ?? "";
      queried.set(stream, (queried.get(stream) ?? 0) + 1);
      // It is still seen in part when it is read again for the first time.
      if (operation === "Query" && (queried.get(stream) ?? 0) > 1) return "pass";
      return {
        rewrite(answer) {
          const items = answer["Items"] as readonly { a?: { S: string }; v?: { N: string } }[];
          const isSeen = ({ a, v }: (typeof items)[number]): boolean =>
            !HIDDEN[(a?.S ?? stream).slice(ORDERS.length)]?.includes(Number(v?.N));
          return { ...answer, Items: items.filter(isSeen) };
        },
      };
    });
    const text = await exported(tables.url);
    for (const more of [[], ["--unsorted"], ["--max-units", "1000"]]) {
      queried.clear();
      const found = await exported(url, ...more);
      expect(found.split("\n").toSorted()).toEqual(text.split("\n").toSorted());
      expect(queried.size).toBeGreaterThan(Object.keys(HIDDEN).length);
    }
  });

  it("says of one that stays a part that it is damaged, and doesn't end well", async () => {
    proxy.decide(() => "pass");
    const key = { a: { S: `${ORDERS}end` }, v: { N: "6" } };
    await tables.client.send(new DeleteItemCommand({ TableName: tables.eventsTable, Key: key }));
    const { code, stdout, stderr } = await runCli(["export", "--store", url]);
    expect(code).toBe(3);
    expect(stderr).toContain(`${ORDERS}end is there in part`);
    expect(stdout.split("\n").filter((line) => line.includes(`${ORDERS}end"`))).toHaveLength(5);
  });
});

describe.each(engines)("import into a packed table on $name", ({ endpoint }) => {
  const COUNT = 40;
  let tables: TestTables;
  let packed: DynamoDBStore;
  let text: string;
  const file = folder.path(`packed-${encodeURIComponent(endpoint)}.jsonl`);

  /** Gives the items of the table of events, without their data. */
  const items = async ({ client, eventsTable }: TestTables): Promise<readonly Record<string, AttributeValue>[]> => {
    const { Items = [] } = await client.send(
      new ScanCommand({ TableName: eventsTable, ProjectionExpression: "a,v,n" }),
    );
    return Items;
  };

  beforeAll(async () => {
    tables = await freshTables(endpoint);
    packed = new DynamoDBStore(tables.client, { eventsTable: tables.eventsTable, layout: "packed" });
    await saveOrders(packed, COUNT);
    text = await exported(tables.url);
    writeFileSync(file, text);
  });
  afterAll(() => tables.client.destroy());

  it("writes nothing that is there, once, twice and in parts", async () => {
    const before = await items(tables);
    const lines = text.split("\n");
    const part = folder.path("packed-part.jsonl");
    writeFileSync(part, lines.filter((line) => /"version":"[245]"/.test(line)).join("\n"));
    for (const args of [[file], [file], [part, "--incomplete"]]) {
      const { code, json } = await runCli(["import", ...args, "--store", tables.url, "--json"]);
      expect({ code, outcome: json() }).toMatchObject({ code: 0, outcome: [{ written: 0, problems: 0 }] });
    }
    expect(await items(tables)).toEqual(before);
    expect(await exported(tables.url)).toBe(text);
    for (let number = 0; number < COUNT; number++) await packed.load(`${ORDERS}${number}`);
  });

  it("completes streams within their saves, and puts a repair's backup back once", async () => {
    const id = `${ORDERS}gap`;
    const { records } = await packed.load(`${ORDERS}19`);
    const six = [...records, ...records].slice(0, 6).map((record, i) => ({ ...record, version: BigInt(i + 1) }));
    await packed.save(id, six.slice(0, 2));
    await packed.restore(id, six.slice(4, 6));
    const backup = folder.path(`backup-${encodeURIComponent(endpoint)}.jsonl`);
    const cut = ["--cut", "3", "--although-it-loads", "--backup", backup, "--without-rows"];
    const repair = ["streams", "repair", id, "--store", tables.url, ...cut];
    expect((await runCli(repair)).code).toBe(0);
    expect((await packed.load(id)).records).toHaveLength(2);
    for (const written of [2, 0]) {
      expect((await imported(backup, tables.url, "--json")).json()).toMatchObject([{ written, problems: 0 }]);
    }
    const whole = folder.path(`whole-${encodeURIComponent(endpoint)}.jsonl`);
    writeFileSync(whole, six.map((record) => eventLine({ aggregateId: id, record, following: 0 })).join("\n"));
    const { json } = await imported(whole, tables.url, "--incomplete", "--json");
    expect(json()).toMatchObject([{ written: 2, present: 4, problems: 0 }]);
    expect((await packed.load(id)).records).toEqual(six);
  });

  it("packs as the table's writers do, also when resumed, or as it is told", async () => {
    const [target, told] = await Promise.all([freshTables(endpoint), freshTables(endpoint)]);
    const known = new DynamoDBStore(target.client, { eventsTable: target.eventsTable, layout: "packed" });
    await known.save(`${ORDERS}1`, (await packed.load(`${ORDERS}1`)).records);
    const args = ["import", file, "--store", target.url, "--max-units", "60"];
    const stopped = await interruptCli(args, () => existsSync(`${file}.state`), 200);
    if (stopped.interrupted) expect((await runCli([...args, "--resume"])).code).toBe(0);
    expect((await imported(file, `${told.url}&layout=packed`)).code).toBe(0);
    for (const tables of [target, told]) {
      const found = await items(tables);
      expect(found.length).toBe(COUNT);
      expect(found.every(({ v }) => v?.N === "1")).toBe(true);
      expect(await exported(tables.url)).toBe(text);
      tables.client.destroy();
    }
  });

  it("refuses another layout than that of the table", async () => {
    const { code, stderr } = await imported(file, `${tables.url}&layout=compatible`);
    expect(code).toBe(2);
    expect(stderr).toContain("are packed");
  });
});

describe("a large export and import", () => {
  const COUNT = 3000;
  const source = freshFile();
  const file = folder.path("large.jsonl");

  beforeAll(async () => {
    const database = openSqlite(source.slice("sqlite:".length), { synchronous: "NORMAL" });
    await saveOrders(new SqliteStore(database), COUNT);
    database.close();
  });

  /** Runs a command, interrupts it once its state is kept, and then resumes it until it is done. */
  async function resumed(args: readonly string[], state: string): Promise<CliResult> {
    const result = await interruptCli(args, () => existsSync(state));
    if (!result.interrupted) return result;
    expect(result).toMatchObject({ code: 130, stderr: expect.stringContaining("--resume") });
    return runCli([...args, "--resume"]);
  }

  it("goes on after an interruption, and ends the same", async () => {
    const whole = await exported(source);
    const result = await resumed(["export", "--store", source, "-o", file], `${file}.state`);
    expect(result.code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(whole);
    expect([`${file}.state`, `${file}.lines`, `${file}.new`].filter((path) => existsSync(path))).toEqual([]);

    const target = freshFile();
    const { code } = await resumed(["import", file, "--store", target], `${file}.state`);
    expect(code).toBe(0);
    expect(await exported(target)).toBe(whole);
    expect(existsSync(`${file}.state`)).toBe(false);
  });

  it("goes to DynamoDB, within a number of capacity units per second", async () => {
    const [engine] = engines;
    const [from, to] = await Promise.all([freshTables(engine?.endpoint ?? ""), freshTables(engine?.endpoint ?? "")]);
    await saveOrders(from.store, 300);
    const start = Date.now();
    const text = await exported(from.url);
    // 845 records in transactions are twice as many write units, but for those that are alone in their save.
    const { code } = await runCli(["import", "-", "--store", to.url, "--max-units", "1000"], { stdin: text });
    expect(code).toBe(0);
    expect(await exported(to.url)).toBe(text);
    for (const { client } of [from, to]) client.destroy();
    expect(Date.now() - start).toBeGreaterThan(1000);
  });
});

async function emptyRow(): Promise<Parameters<SqliteOpaqueStore["put"]>[0]> {
  const { create } = await import("@bufbuild/protobuf");
  const { OpaqueDataSchema } = await import(
    "protosource-es/proto/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js"
  );
  return create(OpaqueDataSchema);
}
