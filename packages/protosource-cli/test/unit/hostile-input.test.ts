/**
 * Whatever is typed, and whatever a named file holds: a command ends with a known exit code and one sentence, and never
 * with the code of a bug.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/exit-codes.js";
import { buildImage } from "../images.js";
import { ORDERS, saveOrders } from "../orders.js";
import { type Ended, runHere } from "../run-here.js";

const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));
const image = join(folder, "image.binpb");
const database = join(folder, "orders.db");
const store = `sqlite:${database}`;

/** Runs a command line in this process, and sees that it ends as one should. */
async function ends(...args: readonly string[]): Promise<Ended> {
  const ended = await runHere(args);
  const { code, stdout, stderr } = ended;
  if (code === EXIT.bug) expect.fail(`${JSON.stringify(args)}: ${stderr}`);
  expect(Object.values(EXIT)).toContain(code);
  expect(stderr).not.toMatch(/\n\s+at /);
  // What a terminal would obey: every control character but the end of a line.
  for (const text of [stdout, stderr]) expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  if (code !== EXIT.ok && code !== EXIT.found) expect(stderr.trimEnd()).not.toBe("");
  return ended;
}

const anyText = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.string({ maxLength: 40 }));
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.double().map(String),
  fc.constantFrom("", "0", "-0", "1e9", "0x10", "９", "1_000", " 1", "1.5", "Infinity", "NaN", "999999999999999"),
  anyText,
);
const time = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom("2026-13-45", "2026-01-31T25:00:00Z", "2026-01-31T12:00:00.123456789Z", "yesterday", "-271821-04-20"),
  number,
);

/** Bytes with some of them changed, left out, or put in. */
const mutation = fc.record({ at: fc.nat(), remove: fc.nat({ max: 12 }), put: fc.uint8Array({ maxLength: 12 }) });
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });
function mutate(bytes: Uint8Array, changes: readonly { at: number; remove: number; put: Uint8Array }[]): Buffer {
  let changed = Buffer.from(bytes);
  for (const { at, remove, put } of changes) {
    const from = at % (changed.length + 1);
    changed = Buffer.concat([changed.subarray(0, from), put, changed.subarray(from + remove)]);
  }
  return changed;
}

let files = 0;
/** Writes a file, hands its path on, and removes it with what was made beside it. */
async function withFile(content: Uint8Array | string, work: (path: string) => Promise<void>): Promise<void> {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, content);
  try {
    await work(path);
  } finally {
    for (const suffix of ["", ".state", ".db", ".db-wal", ".db-shm", "-wal", "-shm"])
      rmSync(path + suffix, { force: true });
  }
}

beforeAll(async () => {
  buildImage(image, ["examples/orders/proto"]);
  const opened = openSqlite(database, { synchronous: "NORMAL" });
  await saveOrders(new SqliteStore(opened), 8);
  opened.close();
});

describe("the address of a store", () => {
  const parameter = fc.constantFrom("region", "endpoint", "events", "aggregates", "table", "");
  const address = fc.oneof(
    anyText,
    anyText.map((text) => `sqlite:${text}`),
    anyText.map((text) => `dynamodb:${text}`),
    anyText.map((text) => `dynamodb:?${text}`),
    fc.array(fc.tuple(parameter, anyText), { maxLength: 4 }).map((pairs) => `dynamodb:?${new URLSearchParams(pairs)}`),
    fc.webUrl({ withQueryParameters: true }),
  );

  it("is used, or refused", async () => {
    await fc.assert(
      fc.asyncProperty(address, async (url) => {
        const template = await ends("tables", "template", "--format", "terraform", `--store=${url}`);
        const policy = await ends("tables", "policy", "--role", "reader", `--store=${url}`);
        for (const { code } of [template, policy]) expect([EXIT.ok, EXIT.usage]).toContain(code);
      }),
      { numRuns: 300 },
    );
  });

  it("that names a file finds a store there, or says what is wrong", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (path) => {
        const { code } = await ends("streams", "list", `--store=sqlite:${folder}/absent/${path}`);
        expect([EXIT.usage, EXIT.missing]).toContain(code);
      }),
    );
  });

  it("of a file of any bytes is refused, or read", async () => {
    const head = Buffer.from("SQLite format 3\0");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.boolean(), async (bytes, hasHead) => {
        await withFile(hasHead ? Buffer.concat([head, bytes]) : bytes, async (path) => {
          for (const command of [
            ["streams", "list"],
            ["tables", "check"],
          ]) {
            const { code } = await ends(...command, "--store", `sqlite:${path}`);
            expect([EXIT.usage, EXIT.found, EXIT.missing, EXIT.unavailable]).toContain(code);
          }
        });
      }),
      { numRuns: 40 },
    );
  });

  it("of a damaged store is read as far as it goes", async () => {
    const whole = readFileSync(database);
    const holes = fc.array(fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 200 })), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(holes, async (changes) => {
        const damaged = Buffer.from(whole);
        for (const [at, bytes] of changes) {
          const from = at % whole.length;
          damaged.fill(bytes, from, Math.min(whole.length, from + 20 * bytes.length));
        }
        await withFile(damaged, async (path) => {
          const url = `sqlite:${path}`;
          await ends("streams", "verify", "--store", url);
          await ends("tables", "check", "--store", url);
          await ends("export", "--store", url);
          await ends("aggregates", "query", "--partition", "p", "--index", "1", "--store", url);
        });
      }),
      { numRuns: 25 },
    );
  });
});

describe("options", () => {
  const stream = `${ORDERS}3`;
  const lines: readonly (readonly [option: string, values: fc.Arbitrary<string>, command: readonly string[]])[] = [
    ["--limit", number, ["streams", "list"]],
    ["--limit", number, ["aggregates", "query", "--partition", "p"]],
    ["--index", number, ["aggregates", "query", "--partition", "p"]],
    ["--partition", anyText, ["aggregates", "query"]],
    ["--cursor", anyText, ["aggregates", "query", "--partition", "p"]],
    ["--pk", anyText, ["aggregates", "get", "--sk", "AGG"]],
    ["--sk", anyText, ["aggregates", "get", "--pk", "p"]],
    ["--at", time, ["streams", "show", stream, "--descriptors", image]],
    ["--cut", number, ["streams", "repair", stream, "--backup", join(folder, "backup.jsonl")]],
    ["--prefix", anyText, ["streams", "list"]],
    ["--segments", number.filter((text) => !(Number(text) > 20 && Number(text) <= 1000)), ["streams", "verify"]],
    ["--descriptors", anyText.map((text) => join(folder, "absent", text)), ["streams", "list"]],
    ["--domain", anyText.map((text) => join(folder, "absent", text)), ["streams", "list"]],
  ];

  it.each(lines)("%s takes a value, or refuses it", async (option, values, command) => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const { code } = await ends(...command, `${option}=${value}`, "--store", store);
        expect([EXIT.ok, EXIT.usage, EXIT.found, EXIT.missing]).toContain(code);
      }),
      { numRuns: 60 },
    );
  });

  it("--max-units takes a number above 0, and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(number, async (value) => {
        const { code } = await ends("streams", "verify", `--max-units=${value}`, "--store", store);
        expect(code).toBe(Number(value) > 0 && Number.isFinite(Number(value)) ? EXIT.ok : EXIT.usage);
      }),
      { numRuns: 60 },
    );
  });

  it("--where takes a condition on a key, or refuses it", async () => {
    const field = fc.constantFrom("customer_id", "customerId", "create_at", "state", "placed_at", "__proto__", "x");
    const operator = fc.constantFrom("=", "<", "<=", ">", ">=", "^=", "!=", "");
    const condition = fc.oneof(
      fc.tuple(field, operator, number).map((parts) => parts.join("")),
      anyText,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(condition, { maxLength: 3 }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom("Order", "OrderSummary"),
        async (conditions, index, type) => {
          const where = conditions.map((text) => `--where=${text}`);
          const options = ["--index", `${index}`, "--descriptors", image, "--store", store];
          const { code } = await ends("aggregates", "query", type, ...where, ...options);
          expect([EXIT.ok, EXIT.usage]).toContain(code);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("in any order, with words that aren't any, are a command line or are refused", async () => {
    const word = fc.constantFrom(
      ...["streams", "list", "show", "verify", "repair", "aggregates", "get", "query", "tables", "template", "policy"],
      ...["--store", store, "--json", "--help", "--version", "--at", "--diff", "--descriptors", image, "--limit", "1"],
      ...["--format", "cdk", "--role", "reader", "--index", "--where", "Order", `${ORDERS}1`, "--", "-", "", "--x"],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 8 }), async (words) => {
        await ends(...words);
      }),
      { numRuns: 300 },
    );
  });
});

describe("an export that was changed", () => {
  let whole: Uint8Array;
  beforeAll(async () => {
    const { stdout } = await ends("export", "--store", store);
    whole = Buffer.from(stdout);
  });

  it("is refused whole, and nothing is made", async () => {
    await fc.assert(
      fc.asyncProperty(mutations, async (changes) => {
        const changed = mutate(whole, changes);
        if (changed.equals(whole)) return;
        await withFile(changed, async (path) => {
          const { code, stdout, stderr } = await ends("import", path, "--store", `sqlite:${path}.db`);
          // Blank space between the parts of the last line means nothing.
          if (code === EXIT.ok) return;
          expect({ code, stdout }).toEqual({ code: EXIT.usage, stdout: "" });
          expect(stderr.trimEnd().split("\n")).toHaveLength(1);
          expect(existsSync(`${path}.db`)).toBe(false);
        });
      }),
      { numRuns: 150 },
    );
  });

  it("is imported line by line when it needn't be whole, or refused whole", async () => {
    const lines = Buffer.from(whole).toString().trimEnd().split("\n").slice(1, -1);
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom("\ud800", "", "0", "-1", "9223372036854775807", null, 7));
    const name = fc.constantFrom("stream", "version", "ttl", "data", "pk", "sk", "t", "body", "gsi1pk", "__proto__");
    const line = fc.oneof(
      fc.constantFrom(...lines),
      fc.json(),
      anyText.filter((text) => !text.includes("\n")),
      fc.dictionary(name, value).map((event) => JSON.stringify({ event })),
      fc.dictionary(name, value).map((row) => JSON.stringify({ row })),
      fc.tuple(fc.constantFrom(...lines), name, value).map(([text, key, changed]) => {
        const entry = JSON.parse(text) as Record<string, Record<string, unknown>>;
        for (const fields of Object.values(entry)) fields[key] = changed;
        return JSON.stringify(entry);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (some) => {
        await withFile(some.join("\n"), async (path) => {
          const { code } = await ends("import", path, "--incomplete", "--store", `sqlite:${path}.db`);
          expect([EXIT.ok, EXIT.usage, EXIT.conflict]).toContain(code);
          expect(existsSync(`${path}.db`)).toBe(code !== EXIT.usage);
        });
      }),
      { numRuns: 150, examples: [[['{"event":{"stream":"a","version":"1","data":"","ttl":"-1"}}']]] },
    );
  });
});

describe("descriptors", () => {
  const commands: readonly (readonly string[])[] = [
    ["streams", "show", `${ORDERS}3`, "--diff"],
    ["streams", "verify"],
    ["aggregates", "get", "Order", "3"],
    ["aggregates", "query", "Order", "--index", "1", "--where", "customer_id=c-3"],
    ["rebuild", "--dry-run", "--without-derived", "--state", join(folder, "rebuild.json")],
  ];
  const used = async (bytes: Uint8Array): Promise<void> =>
    withFile(bytes, async (path) => {
      for (const command of commands) await ends(...command, "--store", store, "--descriptors", path);
    });

  it("of any bytes are refused, or used", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), used), { numRuns: 50 });
  });

  it("that were changed are refused, or used", async () => {
    const whole = readFileSync(image);
    await fc.assert(
      fc.asyncProperty(mutations, (changes) => used(mutate(whole, changes))),
      { numRuns: 40 },
    );
  });

  it("of a stranger are used for what they know", async () => {
    const stranger = join(folder, "stranger.binpb");
    buildImage(stranger, ["examples/coffee/proto"]);
    await used(readFileSync(stranger));
  });
});

describe("stored data of any kind", () => {
  it("is shown, named, and harms nothing", async () => {
    const path = join(folder, "hostile.db");
    const opened = openSqlite(path, { synchronous: "NORMAL" });
    const hostile = new SqliteStore(opened);
    let streams = 0;
    const data = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      anyText.map((text) => new TextEncoder().encode(`{"@type":${JSON.stringify(`x/${text}`)},"at":"${text}"}`)),
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Uint8Array.of(0x1f, 0x8b, ...bytes)),
    );
    await fc.assert(
      fc.asyncProperty(anyText, fc.array(data, { minLength: 1, maxLength: 3 }), async (text, all) => {
        const stream = `${ORDERS}${streams++} ${text.replaceAll(/\p{Surrogate}/gu, "")}`;
        const records = all.map((data, i) => create(StoredRecordSchema, { version: BigInt(i + 1), data }));
        await hostile.save(stream, records);
        const options = ["--store", `sqlite:${path}`, "--descriptors", image];
        expect((await ends("streams", "show", stream, ...options, "--diff")).code).toBe(EXIT.ok);
        await ends("streams", "repair", stream, ...options);
        await ends("streams", "show", stream, ...options, "--json");
      }),
      { numRuns: 60 },
    );
    opened.close();
    const options = ["--store", `sqlite:${path}`, "--descriptors", image];
    expect((await ends("streams", "list", ...options)).code).toBe(EXIT.ok);
    expect((await ends("streams", "verify", ...options)).code).toBe(EXIT.found);
    const state = join(folder, "hostile.json");
    expect((await ends("rebuild", "--without-derived", "--state", state, ...options)).code).toBe(EXIT.found);
  });
});
