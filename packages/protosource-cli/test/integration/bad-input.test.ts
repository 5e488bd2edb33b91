/** What mistakes and failures get: one line that says what to do, an exit code, and never a stack. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, lstatSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, cliCommand, resultOf, runCli, startCli } from "../cli.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildDomain, saveOrders } from "../orders.js";

const folder = temporaryFolder();
let domain = "";
beforeAll(async () => {
  domain = await buildDomain();
});
afterAll(() => folder.remove());

/** Sees that a run failed with one line that says this. */
function expectFailure({ code, stdout, stderr }: CliResult, exitCode: number, ...parts: readonly string[]): void {
  expect({ code, stdout, stderr }).toEqual({ code: exitCode, stdout: "", stderr: expect.stringMatching(/^.+\n$/) });
  for (const part of parts) expect(stderr).toContain(part);
  expect(stderr).not.toMatch(/\n\s+at /);
}

const list = (store: string): Promise<CliResult> => runCli(["streams", "list", "--store", store]);

describe("a file", () => {
  it("that isn't a database is refused", async () => {
    const path = folder.path("text.db");
    writeFileSync(path, "no database, but long enough to look like one".repeat(100));
    for (const args of [
      ["streams", "list"],
      ["tables", "check"],
      ["tables", "ensure"],
    ]) {
      expectFailure(await runCli([...args, "--store", `sqlite:${path}`]), 2, path, "isn't an SQLite database");
    }
  });

  it("of another program is refused, and left as it is", async () => {
    const path = folder.path("other.db");
    const database = openSqlite(path);
    database.exec("CREATE TABLE things (id INTEGER)");
    database.close();
    const before = readFileSync(path);
    expectFailure(await list(`sqlite:${path}`), 4, path, "tables ensure");
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it("of a newer version is refused", async () => {
    const path = folder.path("newer.db");
    const database = openSqlite(path);
    new SqliteStore(database);
    database.exec("UPDATE protosource_schema SET version = 99");
    database.close();
    expectFailure(await list(`sqlite:${path}`), 2, "99", "update");
  });

  it("that somebody else has locked is unavailable, after one wait", async () => {
    const path = folder.path("locked.db");
    const database = openSqlite(path);
    const store = new SqliteStore(database);
    await saveOrders(store, 20);
    database.exec("BEGIN IMMEDIATE");
    const streams = Array.from({ length: 20 }, (_, i) => `p#${i}`);
    const lines = streams.map((stream) => JSON.stringify({ event: { stream, version: "1", data: "" } }));
    const file = folder.path("twenty.jsonl");
    writeFileSync(file, `${lines.join("\n")}\n`);
    const at = ["--store", `sqlite:${path}`];
    for (const args of [
      ["import", file, "--incomplete", ...at],
      ["rebuild", "--domain", domain, "--state", folder.path("locked.json"), ...at],
    ]) {
      const start = Date.now();
      const { code, stderr } = await runCli(args);
      expect(code).toBe(5);
      expect(stderr).toContain("--resume");
      expect(stderr).toMatch(/^protosource: .*lock.*$/m);
      expect(stderr).not.toMatch(/\n\s+at /);
      // A connection waits for 5 seconds.
      expect(Date.now() - start).toBeLessThan(9_000);
    }
    database.exec("ROLLBACK");
    database.close();
  });

  it("that can't be written is denied or refused", async () => {
    expectFailure(
      await runCli(["tables", "ensure", "--store", "sqlite:/proc/protosource.db"]),
      2,
      "/proc/protosource.db",
    );
    expectFailure(await runCli(["tables", "ensure", "--store", `sqlite:${folder.path("no/folder.db")}`]), 2, "folder");
    const made = folder.path("made.db");
    await runCli(["tables", "ensure", "--store", `sqlite:${made}`]);
    const denied = await runCli(["export", "--store", `sqlite:${made}`, "-o", "/proc/export.jsonl"]);
    expectFailure(denied, 2, "/proc/export.jsonl");
  });

  it.each([
    ["the store itself", "kept.db"],
    ["a folder", ""],
    ["a pipe", "pipe"],
  ])("isn't replaced by an export when it is %s", async (_, name) => {
    const path = folder.path("kept.db");
    await runCli(["tables", "ensure", "--store", `sqlite:${path}`]);
    const pipe = folder.path("pipe");
    if (!existsSync(pipe)) execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", pipe]);
    const before = readFileSync(path);
    const refused = await runCli(["export", "--store", `sqlite:${path}`, "-o", folder.path(name)]);
    expectFailure(refused, 2, "--output", folder.path(name));
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    expectFailure(await runCli(["import", pipe, "--store", `sqlite:${path}`]), 2, "standard input");
  });

  it("of a full disk is reported, also where an export goes to a file", async () => {
    const path = folder.path("much.db");
    const database = openSqlite(path);
    await saveOrders(new SqliteStore(database), 3000);
    database.close();
    const cli = cliCommand(["export", "--store", `sqlite:${path}`, "-o", folder.path("much.jsonl")]);
    // No file may grow beyond 100 kB, or half of that: shells differ in their unit.
    const limited = spawn("sh", ["-c", 'ulimit -f 100; exec "$@"', "sh", cli.command, ...cli.args], {
      env: cli.env,
      stdio: "pipe",
    });
    const { code, stderr } = await resultOf(limited);
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(/^protosource: .*make room.*$/m) });
  });

  it("of a full disk is reported", async () => {
    const path = folder.path("full.db");
    const database = openSqlite(path);
    await saveOrders(new SqliteStore(database), 50);
    database.close();
    const full = openSync("/dev/full", "w");
    const { command, args, env } = cliCommand(["export", "--store", `sqlite:${path}`]);
    const child: ChildProcess = spawn(command, args, { env, stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    let stderr = "";
    child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(/^protosource: .*ENOSPC.*\n$/) });
  });

  it("that has no more room keeps what was imported, and says how to go on", async () => {
    const data = Buffer.alloc(100_000).toString("base64");
    const lines = Array.from({ length: 40 }, (_, i) =>
      JSON.stringify({ event: { stream: `p#${i}`, version: "1", data } }),
    );
    const file = folder.path("large.jsonl");
    writeFileSync(file, `${lines.join("\n")}\n`);
    const store = `sqlite:${folder.path("limited.db")}`;
    const args = ["import", file, "--incomplete", "--store", store];
    const cli = cliCommand(args);
    // No file may grow beyond 1 MB, or half of that: shells differ in their unit.
    const limited = spawn("sh", ["-c", 'ulimit -f 1000; exec "$@"', "sh", cli.command, ...cli.args], {
      env: cli.env,
      stdio: "pipe",
    });
    const { code, stdout, stderr } = await resultOf(limited);
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
    expect(stderr).toMatch(/^What is done is kept\. Go on by:\n {2}protosource import .* --resume\nprotosource: .*\n$/);
    const resumed = await runCli([...args, "--resume", "--json"]);
    expect(resumed.json()).toMatchObject([{ problems: 0 }]);
    expect((await list(store)).stdout.trimEnd().split("\n")).toHaveLength(41);
  });
});

describe("libsql", () => {
  it("that isn't installed is named", async () => {
    const path = folder.path("any.db");
    openSqlite(path).close();
    const hook = folder.path("hook.cjs");
    writeFileSync(
      hook,
      `const { Module, register } = require("node:module");
      const refuse = "if (name === 'libsql') throw Object.assign(new Error('not there'), { code: 'MODULE_NOT_FOUND' });";
      const resolve = Module._resolveFilename;
      const check = new Function("name", refuse);
      Module._resolveFilename = (name, ...more) => (check(name), resolve(name, ...more));
      register("data:text/javascript," + encodeURIComponent("export function resolve(name, context, next) {" + refuse + "return next(name, context); }"));`,
    );
    for (const args of [
      ["streams", "list"],
      ["tables", "check"],
      ["tables", "ensure"],
    ]) {
      const env = { NODE_OPTIONS: `--require ${hook}` };
      expectFailure(await runCli([...args, "--store", `sqlite:${path}`], { env }), 2, "install the package libsql");
    }
  });
});

describe("DynamoDB", () => {
  const url = "dynamodb:?region=us-east-1&endpoint=http://127.0.0.1:1";

  it("without credentials is denied, at once", async () => {
    const start = Date.now();
    const result = await runCli(["streams", "list", "--store", url], {
      env: { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" },
    });
    expectFailure(result, 6, "AWS_ACCESS_KEY_ID");
    expect(Date.now() - start).toBeLessThan(15_000);
  });

  it("without a region is refused", async () => {
    expectFailure(await list("dynamodb:"), 2, "AWS_REGION");
  });

  it("at a wrong endpoint is unavailable, in a bounded time", async () => {
    const start = Date.now();
    expectFailure(await list(url), 5, "ECONNREFUSED");
    expect(Date.now() - start).toBeLessThan(40_000);
  });

  it("takes its region from the environment", async () => {
    const [engine] = engines;
    const tables = await freshTables(engine?.endpoint ?? "");
    tables.client.destroy();
    const result = await runCli(["streams", "list", "--store", tables.url.replace("region=us-east-1&", "")], {
      env: { AWS_REGION: "us-east-1" },
    });
    expect(result).toMatchObject({ code: 0, stderr: "There are no streams.\n" });
  });
});

describe("the command line", () => {
  it.each([
    [["streams", "list", "--store", "mysql:orders"], "no store"],
    [["streams", "list", "--store", "dynamodb:?table=events"], "no parameter table"],
    [["streams", "list", "--store", "dynamodb:?endpoint=localhost:8000"], "no endpoint"],
    [["streams", "list", "--store", "sqlite:"], "names no file"],
    [["tables", "ensure", "--store", "sqlite::memory:"], "names no file"],
    [["tables", "template", "--format", "cdk", "--store", "dynamodb:?events=a"], "table name"],
    [["tables", "policy", "--role", "reader", "--account", "me"], "--account"],
    [["tables", "policy", "--role", "reader", "--partition", ""], "--partition"],
    [["aggregates", "get", "Order", "1", "--pk", "p", "--sk", "s", "--store", "sqlite:x.db"], "--pk"],
    [["streams", "list"], "PROTOSOURCE_STORE"],
    [["streams", "list", "--store", "dynamodb:?region=x&events=a"], "table name"],
    [["rebuild", "--store", "sqlite:x.db", "--segments", "0"], "--segments"],
    [["export", "--store", "sqlite:x.db", "--segments", "1001"], "from 1 to 1000"],
    [["aggregates", "query", "Order", "--partition", "p", "--store", "sqlite:x.db"], "--partition"],
  ])("%j is refused", async (args, part) => {
    expectFailure(await runCli(args), 2, part);
  });

  it("that is unknown is refused, with what was meant", async () => {
    const { code, stdout, stderr } = await runCli(["stream"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Did you mean streams?");
    expect((await runCli(["streams", "show", "--frobnicate"])).code).toBe(2);
  });

  it("may be given by the environment", async () => {
    const env = { PROTOSOURCE_STORE: `sqlite:${folder.path("nowhere.db")}` };
    expectFailure(await runCli(["streams", "list"], { env }), 4, "nowhere.db");
  });

  it("shows help with an example for each command", async () => {
    const commands = [
      ["tables", "ensure"],
      ["tables", "check"],
      ["tables", "template"],
      ["tables", "policy"],
      ["streams", "list"],
      ["streams", "show"],
      ["streams", "verify"],
      ["aggregates", "get"],
      ["aggregates", "query"],
      ["rebuild"],
      ["export"],
      ["import"],
    ];
    const results = await Promise.all(commands.map((command) => runCli([...command, "--help"])));
    for (const [i, { code, stdout, stderr }] of results.entries()) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(`Example:\n  $ protosource ${commands[i]?.join(" ")} `);
    }
    const { code, stdout } = await runCli(["--version"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("ends quietly when the reader of its output has had enough", async () => {
    const path = folder.path("many.db");
    const database = openSqlite(path, { synchronous: "NORMAL" });
    await saveOrders(new SqliteStore(database), 2000);
    database.close();
    const child = startCli(["export", "--store", `sqlite:${path}`]);
    child.stdout?.once("data", () => child.stdout?.destroy());
    let stderr = "";
    child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("an interruption", () => {
  let path = "";
  beforeAll(async () => {
    path = folder.path("interrupted.db");
    const database = openSqlite(path, { synchronous: "NORMAL" });
    await saveOrders(new SqliteStore(database), 3000);
    database.close();
  });

  it("ends any command with 130", async () => {
    const child = startCli(["streams", "list", "--store", `sqlite:${path}`, "--json"]);
    child.stdout?.once("data", () => child.kill("SIGINT"));
    // What it prints is more than the pipes hold: it can't be done when the signal comes.
    const { code, stderr } = await resultOf(child);
    expect({ code, stderr }).toEqual({ code: 130, stderr: "protosource: interrupted\n" });
  });
});
