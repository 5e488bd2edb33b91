/** The studio over what it is made for: each store answers alike, nothing is written, and a reader's rights are enough. */
import { readdirSync, readFileSync } from "node:fs";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { demoStore, order } from "@protosource-es/studio/demo";
import type { RestorableStore, ScannedRecord } from "protosource-es";
import { DynamoDBStore } from "protosource-es/dynamodb";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { type Fate, type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { schemasOf } from "../../src/schemas.js";
import { type DynamoDBLocation, parseStoreUrl } from "../../src/store-url.js";
import { showStore } from "../../src/studio/run-studio.js";
import type { StudioOptions } from "../../src/studio/studio.js";
import { iamPolicy } from "../../src/templates/policy.js";
import { countedCost } from "../counted-cost.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { answering, answers, type Question, READERS, SCANNERS } from "../studio/answers.js";

type Answers = Awaited<ReturnType<typeof answers>>;

const schemas = schemasOf([order]);
const folder = temporaryFolder();
let expected: Answers;

beforeAll(async () => {
  // What a command would make says when.
  vi.useFakeTimers({ toFake: ["Date"] });
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "local");
  const opaqueStore = new MemoryOpaqueStore();
  const store = new MemoryStore();
  await fill(store, opaqueStore);
  expected = await answers({ store, opaqueStore, schemas });
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  folder.remove();
});

/** Brings what the demo holds into a store. */
async function fill(store: RestorableStore, rows: Pick<OpaqueStore, "put">): Promise<void> {
  const demo = await demoStore();
  const streams = new Map<string, ScannedRecord[]>();
  for (const scanned of (await demo.store.scan({ limit: 10_000 })).records) {
    const { aggregateId } = scanned;
    streams.set(aggregateId, [...(streams.get(aggregateId) ?? []), scanned]);
  }
  await Promise.all(
    [...streams].map(([id, all]) =>
      store.restore(
        id,
        all.map(({ record }) => record),
      ),
    ),
  );
  const page = await demo.opaqueStore.scan({ limit: 10_000 });
  await Promise.all(page.rows.map((row) => rows.put(row)));
}

/**
 * What a store answers, without what is its own: what it cost, how it tells which records were stored at once, in which
 * order it gives streams, and by that which of equal ones stand out.
 */
function comparable(found: Answers): unknown {
  const own = new Set(["cost", "save", "following", "notable"]);
  const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
  return JSON.parse(
    JSON.stringify(found, (name, value) => {
      if (own.has(name)) return undefined;
      return name === "streams" && Array.isArray(value) ? value.toSorted(byId) : value;
    }),
  );
}

describe("a file", () => {
  it("answers as memory does, and isn't changed by any question, also beside a writer", async () => {
    const path = folder.path("orders.db");
    const database = openSqlite(path);
    const rows = new SqliteOpaqueStore(database);
    await fill(new SqliteStore(database), rows);
    const filesNow = (): readonly string[] =>
      readdirSync(folder.path("")).map((name) => `${name} ${readFileSync(folder.path(name)).toString("base64")}`);
    // The writer's log is there, and what it holds is seen.
    const before = filesNow();
    const { shown, close } = await showStore({ store: `sqlite:${path}`, port: "0" });
    try {
      expect(comparable(await answers({ ...shown, schemas, words: undefined }))).toEqual(comparable(expected));
      const findings = await answers({ ...shown, schemas }, [["tables", {}]]);
      expect(findings).toEqual([["tables", 200, { findings: [] }]]);
    } finally {
      close();
    }
    // How far readers have come is noted beside the log; neither that nor the file is.
    const data = (all: readonly string[]): readonly string[] => all.filter((file) => !file.startsWith("orders.db-shm"));
    expect(data(filesNow())).toEqual(data(before));
    database.close();
  });
});

describe.each(engines)("tables on $name", ({ endpoint }) => {
  let proxy: FaultProxy;
  let shown: StudioOptions;
  let close: () => void;
  let location: DynamoDBLocation;

  beforeAll(async () => {
    proxy = await startFaultProxy(endpoint);
    const tables = await freshTables(endpoint, { ttl: false });
    await fill(tables.store, tables.opaqueStore);
    location = parseStoreUrl(tables.url) as DynamoDBLocation;
    const opened = await open(tables.url);
    close = opened.close;
    shown = { ...opened.shown, schemas, words: undefined };
  });
  afterAll(async () => {
    close();
    await proxy.close();
  });

  /** Opens tables as the studio does, by an address that leads through the proxy. */
  async function open(url: string): Promise<Awaited<ReturnType<typeof showStore>>> {
    return showStore({
      store: url.replace(encodeURIComponent(endpoint), encodeURIComponent(proxy.endpoint)),
      port: "0",
    });
  }

  /** Decides what becomes of requests, while the studio is asked. */
  async function during<T>(fateOf: (operation: string) => Fate, work: () => Promise<T>): Promise<T> {
    proxy.decide(({ operation }) => fateOf(operation));
    try {
      return await work();
    } finally {
      proxy.decide(() => "pass");
    }
  }

  it("answer as memory does, and say what that cost", async () => {
    const found = await answers(shown);
    expect(comparable(found)).toEqual(comparable(expected));
    const costs = found.map(([route, , answer]) => [route, (answer as { cost?: { readUnits: number } }).cost] as const);
    for (const [route, cost] of costs) {
      const isFree = ["about", "domain", "indexes", "commands"].includes(route);
      expect([route, isFree ? cost?.readUnits === 0 : (cost?.readUnits ?? 0) > 0]).toEqual([route, true]);
    }
  });

  it("answer as memory does where an item holds all of a save, told of it or not", async () => {
    const { url, client, eventsTable, opaqueStore } = await freshTables(endpoint, { ttl: false });
    const store = new DynamoDBStore(client, { eventsTable, opaqueStore, layout: "packed" });
    await fill(store, opaqueStore);
    const { Count = 0 } = await client.send(new ScanCommand({ TableName: eventsTable, Select: "COUNT" }));
    expect(Count).toBeLessThan((await store.scan({ limit: 10_000 })).records.length);
    for (const [packed, asked] of [
      [url, [...READERS, ...SCANNERS]],
      [`${url}&layout=packed`, SCANNERS],
    ] as const) {
      const { shown, close } = await open(packed);
      const found = await answers({ ...shown, schemas, words: undefined }, asked);
      expect(comparable(found)).toEqual(comparable(expected.slice(-asked.length)));
      close();
    }
  });

  it("cost what the engine counts, answer by answer, and page by page of a look at all", async () => {
    const costOf = async (question: Question): Promise<{ readonly cursor?: string }> => {
      const { fate, cost } = countedCost();
      const [, , answer] = await during(
        () => fate,
        () => answering(shown)(question),
      );
      expect({ question, answer }).toMatchObject({ question, answer: { cost } });
      return answer as object;
    };
    for (const question of [...READERS, ...SCANNERS]) await costOf(question);
    for (const route of ["streams", "verify"]) {
      let cursor: string | undefined;
      let pages = 0;
      do {
        const more = cursor === undefined ? {} : { cursor };
        ({ cursor } = await costOf([route, { limit: "100", ...more }]));
        pages++;
      } while (cursor !== undefined);
      expect(pages).toBeGreaterThan(2);
    }
  });

  it("are looked at with a reader's rights alone, and a look at all says what more it takes", async () => {
    const policy = iamPolicy("reader", location, { partition: "aws", region: "us-east-1", account: "123456789012" });
    const allowed = (operation: string): Fate =>
      policy.includes(`"dynamodb:${operation}"`)
        ? "pass"
        : {
            status: 400,
            body: {
              __type: "com.amazon.coral.service#AccessDeniedException",
              message: `User: arn:aws:iam::123456789012:user/a is not authorized to perform: dynamodb:${operation}`,
            },
          };
    const found = await during(allowed, () => answers(shown, READERS));
    expect(found.filter(([, status]) => status !== 200)).toEqual([]);
    const refused = await during(allowed, () => answers(shown, [...SCANNERS, ["tables", {}]]));
    for (const [route, status, answer] of refused) {
      expect([route, status]).toEqual([route, 403]);
      expect(answer).toMatchObject({ error: { code: "denied", message: expect.stringMatching(/Scan|DescribeTable/) } });
    }
  });

  it("that throttle are told from those that lack what is asked for, whatever that is", async () => {
    const throttling: Fate = {
      status: 400,
      body: {
        __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        message: "too much at once",
      },
    };
    // Between attempts there are pauses of random length, from none on.
    const random = vi.spyOn(Math, "random").mockReturnValue(0);
    const one = new Map([...READERS, ...SCANNERS].map((question) => [question[0], question]));
    const found = await during(
      () => throttling,
      () => answers(shown, [...one.values()]),
    );
    random.mockRestore();
    const refused = found.filter(([route]) => !["about", "domain", "indexes", "commands"].includes(route));
    expect(refused.length).toBeGreaterThan(7);
    for (const [route, status, answer] of refused) {
      expect([route, status]).toEqual([route, 503]);
      expect(answer).toMatchObject({ error: { code: "unavailable", message: expect.stringContaining("capacity") } });
    }
  });

  it("that fail are told from streams that aren't there", async () => {
    const question = ["events", { id: "example_app_order_v1#o-1007" }] as const;
    const missing: Fate = {
      status: 400,
      body: { __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", message: "no such table" },
    };
    const [gone] = await during(
      () => missing,
      () => answers(shown, [question]),
    );
    expect(gone).toMatchObject(["events", 502, { error: { message: expect.stringContaining(location.eventsTable) } }]);
    const [absent] = await answers(shown, [["state", { id: "example_app_order_v1#none" }]]);
    expect(absent).toMatchObject(["state", 404, { error: { code: "not_found" } }]);
  });
});
