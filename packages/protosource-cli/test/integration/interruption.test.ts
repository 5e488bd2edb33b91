/** What ends a command early: a signal, a reader that is stuck or gone, a part that fails. It ends, and leaves nothing. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ItemAddedSchema } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import { type CliResult, resultOf, runCli, startCli } from "../cli.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { ORDERS, saveOrders } from "../orders.js";

const folder = temporaryFolder();
const image = folder.path("image.binpb");
const database = openSqlite(folder.path("orders.db"), { synchronous: "NORMAL" });
const store = `sqlite:${folder.path("orders.db")}`;
beforeAll(async () => {
  buildImage(image);
  await saveOrders(new SqliteStore(database), 3000);
  new SqliteOpaqueStore(database);
  database.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
    INSERT INTO protosource_rows (pk, sk, t, version, body) SELECT 'p', 'row ' || i, 0, 1, zeroblob(200) FROM n`);
  database.close();
});
afterAll(() => folder.remove());

/** How long a command may take to end once it is told to, in milliseconds. Without a signal it would take far longer. */
const PATIENCE_MS = 5_000;

/** How long long work is left alone, in milliseconds: it has read a page by then, and is far from its end. */
const BEGINNING_MS = 2_000;

/** Starts a command, and interrupts it at its first output. */
function interruptedAtOutput(...args: readonly string[]): Promise<CliResult> {
  const child = startCli(args);
  child.stdout?.once("data", () => interrupt(child));
  return resultOf(child);
}

/** Starts a command that says something before its work, and interrupts it in the midst of that. */
function interruptedAtWork(...args: readonly string[]): Promise<CliResult> {
  const child = startCli(args);
  child.stderr?.once("data", () => setTimeout(() => interrupt(child), BEGINNING_MS));
  return resultOf(child);
}

function interrupt(child: ReturnType<typeof startCli>): void {
  child.kill("SIGINT");
  setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS).unref();
}

it("a signal ends the differences of a long stream, which DynamoDB gives in few pages", async () => {
  // The other one takes a minute to store as much.
  const engine = engines.find(({ name }) => name === "dynoxide");
  const tables = await freshTables(engine?.endpoint ?? "");
  for (let first = 1; first < 4000; first += 100) {
    const records = Array.from({ length: 100 }, (_, i) => {
      const version = BigInt(first + i);
      const item = { itemId: `i-${version}`, priceCents: 1n, quantity: 1 };
      const event = create(ItemAddedSchema, { id: "long", version, at: version, actor: "ann", item });
      return create(StoredRecordSchema, { version, data: binarySerializer.serialize(ItemAddedSchema, event) });
    });
    await tables.store.save(`${ORDERS}long`, records);
  }
  tables.client.destroy();
  const show = ["streams", "show", `${ORDERS}long`, "--diff", "--descriptors", image, "--store", tables.url];
  expect(await interruptedAtWork(...show)).toMatchObject({
    code: 130,
    stdout: "",
    stderr: expect.stringMatching(/^protosource: interrupted$/m),
  });
});

it("a signal ends a query of many rows", async () => {
  const query = ["aggregates", "query", "--partition", "p", "--limit", "1000000", "--json", "--store", store];
  const result = await interruptedAtOutput(...query);
  expect(result).toMatchObject({ code: 130, stderr: "protosource: interrupted\n" });
  expect(result.json().length).toBeGreaterThan(0);
});

it("a query gives all rows up to its limit, and goes on from there", async () => {
  const query = (...more: string[]): Promise<CliResult> =>
    runCli(["aggregates", "query", "--partition", "p", "--json", "--store", store, ...more]);
  const first = (await query("--limit", "2500")).json();
  expect(first).toHaveLength(2501);
  const { cursor } = first.at(-1) as { cursor: string };
  const rest = (await query("--limit", "100000", "--cursor", cursor)).json();
  expect(new Set([...first.slice(0, -1), ...rest].map(({ sk }) => sk)).size).toBe(50_000);
  expect(rest.at(-1)).toHaveProperty("sk");
});

it("a signal ends a command whose reader is stuck", async () => {
  const child = startCli(["streams", "list", "--json", "--store", store]);
  // It is told of what is there, and takes nothing but what fills its own memory.
  await new Promise((resolve) => child.stdout?.once("readable", resolve));
  await sleep(500);
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const code = await new Promise((resolve) => child.on("exit", resolve));
  clearTimeout(force);
  expect(code).toBe(130);
});

it("a reader that has had enough leaves no file behind", async () => {
  mkdirSync(folder.path("temporary"));
  const child = startCli(["export", "--store", store], { env: { TMPDIR: folder.path("temporary") } });
  child.stdout?.once("data", () => child.stdout?.destroy());
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
  expect(readdirSync(folder.path("temporary"))).toEqual([]);
});

it("nothing is promised, or left, when nothing was done", async () => {
  const [engine] = engines;
  const tables = await freshTables(engine?.endpoint ?? "", { create: false });
  tables.client.destroy();
  mkdirSync(folder.path("outputs"));
  const { code, stderr } = await runCli(["export", "--store", tables.url, "-o", folder.path("outputs/orders.jsonl")]);
  expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(/^protosource: .*\n$/) });
  expect(readdirSync(folder.path("outputs"))).toEqual([]);
});

it.each([
  ["streams", "verify"],
  ["export", "--unsorted"],
])("%s %s ends when one segment fails, though the others would go on for ever", async (...words) => {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as { Segment?: number };
      const isDenied = body.Segment === 0;
      const key = { a: { S: `${Math.random()}` }, v: { N: "1" } };
      const answer = isDenied
        ? { __type: "com.amazon.coral.service#AccessDeniedException", Message: "no" }
        : { Items: [], Count: 0, ScannedCount: 1, LastEvaluatedKey: key };
      const head = { "content-type": "application/x-amz-json-1.0" };
      setTimeout(() => response.writeHead(isDenied ? 400 : 200, head).end(JSON.stringify(answer)), 20);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `dynamodb:?region=us-east-1&endpoint=http://127.0.0.1:${port}`;
  const child = startCli([...words, "--store", url, "--segments", "2"]);
  const force = setTimeout(() => child.kill("SIGKILL"), 15_000);
  const { code } = await resultOf(child);
  clearTimeout(force);
  server.closeAllConnections();
  server.close();
  expect(code).toBe(6);
});

it("a file that may only be read is read, and its log is never left out", async () => {
  const [lines, copy] = [folder.path("three.jsonl"), folder.path("copy/orders.db")];
  const three = ["0", "1", "2"].map((id) =>
    JSON.stringify({ event: { stream: `${ORDERS}${id}`, version: "1", data: "" } }),
  );
  writeFileSync(lines, `${three.join("\n")}\n`);
  mkdirSync(dirname(copy));
  // A process of its own leaves no log.
  await runCli(["import", lines, "--incomplete", "--store", `sqlite:${copy}`]);
  chmodSync(copy, 0o444);
  chmodSync(dirname(copy), 0o555);
  const read = (...args: string[]): Promise<CliResult> =>
    runCli([...args, "--store", `sqlite:${copy}`], { obeysModes: true });
  expect((await read("streams", "list", "--json")).json()).toHaveLength(3);
  expect((await read("export")).stdout.split("\n")).toHaveLength(3 + 3);
  expect(await read("tables", "check")).toMatchObject({ code: 0, stderr: "" });
  expect((await read("import", lines, "--incomplete")).code).toBe(6);
  chmodSync(dirname(copy), 0o755);
  writeFileSync(`${copy}-wal`, "what a writer left");
  chmodSync(dirname(copy), 0o555);
  for (const args of [
    ["streams", "list"],
    ["tables", "check"],
  ]) {
    expect(await read(...args)).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("copy both") });
  }
  chmodSync(dirname(copy), 0o755);
});
