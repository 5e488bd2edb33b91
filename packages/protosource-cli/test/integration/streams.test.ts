/** `streams list` and `streams verify`, on tables with everything that can be wrong. */
import { rmSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, runCli } from "../cli.js";
import { engines, freshTables, type TestTables, temporaryFolder } from "../engines.js";
import { type GoldenItem, goldenItems } from "../golden.js";
import { buildImage } from "../images.js";

const PREFIX = "example_app_test_v1#";
const folder = temporaryFolder();
const image = folder.path("image.binpb");
beforeAll(() => {
  buildImage(image);
});
afterAll(() => folder.remove());

/** Records of a table by the Go code, without their expiry, under another id. */
function goldenStream(id: string, name = "t-1"): GoldenItem[] {
  return goldenItems()
    .events.filter(({ a }) => a?.S === PREFIX + name)
    .map(({ a, v, d }) => ({ ...(a && { a: { S: PREFIX + id } }), ...(v && { v }), ...(d && { d }) }));
}

const problems = ({ json }: CliResult): Record<string, unknown>[] => json().filter((line) => "problem" in line);

describe.each(engines)("streams on $name", ({ endpoint }) => {
  let tables: TestTables;
  const verify = (...args: string[]): Promise<CliResult> =>
    runCli(["streams", "verify", "--store", tables.url, "--json", ...args]);

  beforeAll(async () => {
    tables = await freshTables(endpoint);
    for (const item of goldenItems().events) {
      const { t, ...forever } = item;
      await tables.putRaw("events", forever);
    }
  });
  afterAll(() => tables.client.destroy());

  it("lists the streams with their last event", async () => {
    const { code, stdout } = await runCli(["streams", "list", "--store", tables.url, "--descriptors", image]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^STREAM +RECORDS +VERSIONS +LAST EVENT +TYPE +SIZE$/);
    expect(lines.slice(1).toSorted()[0]).toMatch(/^example_app_order_v1#o#1 +4 +1–4 +2026-\S+Z +Placed +\d+ B$/);
    expect(lines).toHaveLength(4);
  });

  it("lists some streams only", async () => {
    const { json } = await runCli(["streams", "list", "--store", tables.url, "--json", "--prefix", PREFIX]);
    expect(
      json()
        .map(({ stream }) => stream)
        .toSorted(),
    ).toEqual([`${PREFIX}j-1`, `${PREFIX}t-1`]);
    const limited = await runCli(["streams", "list", "--store", tables.url, "--json", "--limit", "2"]);
    expect(limited.json()).toHaveLength(2);
  });

  it("finds nothing wrong with what the Go code wrote", async () => {
    const result = await verify("--descriptors", image);
    expect(result.code).toBe(0);
    expect(result.json()).toEqual([{ verified: { records: 18, streams: 3, problems: 0, warnings: 0 } }]);
    const human = await runCli(["streams", "verify", "--store", tables.url]);
    expect(human).toMatchObject({ code: 0, stdout: "18 records in 3 streams: 0 problems, 0 warnings\n" });
    expect(human.stderr).toContain("--descriptors");
  });

  it("finds each thing that can be wrong", async () => {
    const broken = await freshTables(endpoint);
    const put = async (...items: readonly GoldenItem[]): Promise<void> => {
      for (const item of items) await broken.putRaw("events", item);
    };
    const whole = goldenStream("whole");
    await put(...whole);
    await put(...goldenStream("gap").filter(({ v }) => v?.N !== "2"));
    await put(
      ...goldenStream("torn")
        .slice(0, 2)
        .map((item, i) => (i === 1 ? { ...item, m: { N: "3" } } : item)),
    );
    await put({ ...(goldenStream("undecodable")[0] as GoldenItem), d: { B: "H4sIAAA=" } });
    await put({ a: { S: `${PREFIX}no-record` }, v: { N: "1" }, d: { S: "text" } });
    const stranger = toBinary(AnySchema, anyPack(StoredRecordSchema, create(StoredRecordSchema, { version: 1n })));
    await put({ a: { S: `${PREFIX}foreign` }, v: { N: "1" }, d: { B: Buffer.from(stranger).toString("base64") } });
    await put(...goldenStream("no-base").slice(4, 6));
    await put(...goldenStream("trimmed").slice(6));
    await put(...goldenStream("t-1").slice(0, 1));
    await put(
      ...[1, 2, 5, 8].flatMap((i, version) => ({
        ...(whole[i === 1 ? 0 : i] as GoldenItem),
        a: { S: `${PREFIX}moved` },
        v: { N: `${version + 1}` },
      })),
    );

    const result = await runCli(["streams", "verify", "--store", broken.url, "--json", "--descriptors", image]);
    broken.client.destroy();
    expect(result.code).toBe(3);
    const found = problems(result).map(({ problem, stream, version }) => `${problem} ${stream ?? ""} ${version}`);
    const own = found.filter((line) => !line.startsWith("misplaced")).toSorted();
    expect(own).toEqual([
      `gap ${PREFIX}gap 2`,
      `no_base ${PREFIX}no-base 5`,
      `no_recent_snapshot ${PREFIX}moved 4`,
      `torn ${PREFIX}torn 3`,
      `undecodable ${PREFIX}undecodable 1`,
      `unknown_type ${PREFIX}foreign 1`,
      "unreadable  1",
    ]);
    // Streams under another id hold events of the old one, but for the one that kept its own.
    expect(found.filter((line) => line.startsWith("misplaced")).every((line) => !line.includes("t-1"))).toBe(true);
    expect(found).toContain(`misplaced ${PREFIX}moved 3`);
    expect(result.json().at(-1)).toMatchObject({ verified: { warnings: 1 } });
  });

  it("keeps to a number of capacity units per second", async () => {
    const start = Date.now();
    const { code } = await verify("--max-units", "10", "--segments", "1");
    expect(code).toBe(0);
    expect(Date.now() - start).toBeLessThan(30_000);
    expect((await verify("--max-units", "none")).code).toBe(2);
  });
});

describe("streams on a file", () => {
  it("lists, shows and verifies, and leaves no file where there was none", async () => {
    const path = folder.path("streams.db");
    const database = openSqlite(path);
    const store = new SqliteStore(database);
    const items = goldenStream("t-1");
    const records = items.map(({ v, d }) =>
      create(StoredRecordSchema, { version: BigInt(v?.N ?? 0), data: Buffer.from(d?.B ?? "", "base64") }),
    );
    await store.save(`${PREFIX}t-1`, records);
    database.close();

    const list = await runCli(["streams", "list", "--store", `sqlite:${path}`, "--json"]);
    expect(list.json()).toMatchObject([{ stream: `${PREFIX}t-1`, records: 10, first: "1", last: "10" }]);
    const verified = await runCli(["streams", "verify", "--store", `sqlite:${path}`, "--descriptors", image]);
    expect(verified).toMatchObject({ code: 0, stdout: "10 records in 1 stream: 0 problems, 0 warnings\n" });

    const absent = folder.path("absent.db");
    const { code, stderr } = await runCli(["streams", "list", "--store", `sqlite:${absent}`]);
    expect(code).toBe(4);
    expect(stderr).toContain(absent);
    expect(() => rmSync(absent)).toThrow(/ENOENT/);
  });
});
