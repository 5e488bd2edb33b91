/** What ensureTables makes, finds and mends. */
import { randomUUID } from "node:crypto";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { type Engine, engineClient, startDynamoDBLocal, startDynoxide } from "@protosource-es/engines";
import { isProtosourceError } from "protosource-es";
import { checkTables, ensureTables, eventsTable } from "protosource-es/dynamodb";
import { type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { engines, freshTables } from "../engines.js";
import { failure } from "../failure.js";

describe.each(engines)("ensureTables on $name", (engine) => {
  let direct: DynamoDBClient;
  let client: DynamoDBClient;
  let proxy: FaultProxy;
  let names: ReturnType<typeof freshTables>;

  beforeAll(async () => {
    direct = engine.client();
    proxy = await startFaultProxy(engine.endpoint);
    client = engineClient(proxy.endpoint);
  });
  afterAll(async () => {
    client.destroy();
    direct.destroy();
    await proxy.close();
  });
  beforeEach(() => {
    names = freshTables();
    proxy.decide(() => "pass");
  });

  it("makes both tables as they should be, and says what this engine lacks", async () => {
    const report = await ensureTables(client, names);
    for (const [table, name] of [
      [report.events, names.eventsTable],
      [report.aggregates, names.aggregatesTable],
    ] as const) {
      expect(table).toMatchObject({ table: name, created: true, changed: ["ttl"], different: [] });
      // Neither engine has point-in-time recovery.
      expect(table.unknown.map(({ setting }) => setting)).toEqual(["recovery"]);
      expect(table.failed.map(({ setting }) => setting)).toEqual(["recovery"]);
      const { Table } = await direct.send(new DescribeTableCommand({ TableName: name }));
      expect(Table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
      expect(Table?.DeletionProtectionEnabled).toBe(true);
      const { TimeToLiveDescription } = await direct.send(new DescribeTimeToLiveCommand({ TableName: name }));
      expect(TimeToLiveDescription).toMatchObject({ AttributeName: "t", TimeToLiveStatus: "ENABLED" });
    }
    const { Table } = await direct.send(new DescribeTableCommand({ TableName: names.aggregatesTable }));
    expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).toSorted()).toEqual(
      Array.from({ length: 20 }, (_, i) => `gsi${i + 1}pk-gsi${i + 1}sk-index`).toSorted(),
    );
  });

  it("changes nothing the second time", async () => {
    await ensureTables(client, names);
    const before = proxy.requests.length;
    const report = await ensureTables(client, names);
    expect(report.events).toMatchObject({ created: false, changed: [], different: [], failed: [] });
    expect(report.aggregates).toMatchObject({ created: false, changed: [], different: [], failed: [] });
    const operations = proxy.requests.slice(before).map(({ operation }) => operation);
    expect(operations.filter((operation) => !operation.startsWith("Describe"))).toEqual([]);
  });

  it("lets several callers at once make the tables together", async () => {
    const reports = await Promise.all(Array.from({ length: 4 }, () => ensureTables(client, names)));
    expect(reports.filter(({ events }) => events.created).length).toBe(1);
    expect(reports.filter(({ aggregates }) => aggregates.created).length).toBe(1);
  });

  it("takes a table for existing that another caller made in between", async () => {
    let first = true;
    proxy.decide(({ operation, body }) => {
      if (operation !== "DescribeTable" || body["TableName"] !== names.eventsTable || !first) return "pass";
      first = false;
      return { status: 400, body: { __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" } };
    });
    await ensureTables(direct, names);
    const report = await ensureTables(client, names);
    expect(report.events.created).toBe(false);
  });

  it("takes a table for its own when the answer to its making was lost", async () => {
    let lost = 0;
    proxy.decide(({ operation }) => (operation === "CreateTable" && lost++ < 2 ? "lose answer" : "pass"));
    const { events, aggregates } = await ensureTables(client, names);
    for (const report of [events, aggregates]) expect(report).toMatchObject({ created: true, changed: ["ttl"] });
  });

  it("waits for a table that is still being created", async () => {
    await ensureTables(direct, names);
    let creating = 3;
    proxy.decide(({ operation }) =>
      operation === "DescribeTable" && creating-- > 0
        ? {
            rewrite: (body) => ({ ...body, Table: { ...(body["Table"] as object), TableStatus: "CREATING" } }),
          }
        : "pass",
    );
    await ensureTables(client, names);
    expect(creating).toBeLessThan(0);

    proxy.decide(({ operation }) =>
      operation === "DescribeTable"
        ? { rewrite: (body) => ({ ...body, Table: { ...(body["Table"] as object), TableStatus: "CREATING" } }) }
        : "pass",
    );
    const error = await ensureTables(client, names, { waitMs: 300 }).catch((error: unknown) => error);
    expect(isProtosourceError(error, "unavailable") && error.details.reasons).toContain("CREATING");
  });

  it("finishes the tables of a call that ended before they were active", async () => {
    proxy.decide(({ operation }) =>
      operation === "DescribeTable"
        ? {
            rewrite: (body) =>
              "Table" in body ? { Table: { ...(body["Table"] as object), TableStatus: "CREATING" } } : body,
          }
        : "pass",
    );
    expect(await failure(ensureTables(client, names, { waitMs: 300 }))).toMatchObject({ code: "unavailable" });
    proxy.decide(() => "pass");
    // Several come next.
    const reports = await Promise.all([ensureTables(client, names), ensureTables(client, names)]);
    for (const { events, aggregates } of reports) {
      expect([events, aggregates]).toMatchObject([
        { created: false, failed: [] },
        { created: false, failed: [] },
      ]);
    }
    const { events, aggregates } = await checkTables(client, names);
    expect([events?.different, aggregates?.different]).toEqual([[], []]);
  });

  it("leaves a table alone from which TTL was taken a day after it was made", async () => {
    await ensureTables(direct, names);
    const TimeToLiveSpecification = { AttributeName: "t", Enabled: false };
    await direct.send(new UpdateTimeToLiveCommand({ TableName: names.eventsTable, TimeToLiveSpecification }));
    const madeBefore = (ms: number) => (body: Record<string, unknown>) => ({
      Table: { ...(body["Table"] as object), CreationDateTime: (Date.now() - ms) / 1000 },
    });
    proxy.decide(({ operation }) => (operation === "DescribeTable" ? { rewrite: madeBefore(86_500_000) } : "pass"));
    const { events } = await ensureTables(client, names);
    expect(events).toMatchObject({ changed: [], different: [{ setting: "ttl", expected: "on t", found: "off" }] });
  });

  it("reports what can't be mended, and leaves it", async () => {
    await direct.send(
      new CreateTableCommand({
        TableName: names.eventsTable,
        ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
        KeySchema: [{ AttributeName: "a", KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: "a", AttributeType: "S" }],
      }),
    );
    const report = await ensureTables(client, names, { repair: true });
    expect(report.events.different).toEqual([
      { setting: "keys", expected: "a HASH S, v RANGE N", found: "a HASH S" },
      { setting: "billing", expected: "on demand", found: "provisioned" },
    ]);
  });

  it("calls a setting that it may not read unknown, not off, and doesn't touch it", async () => {
    await ensureTables(direct, names);
    await direct.send(new UpdateTableCommand({ TableName: names.eventsTable, DeletionProtectionEnabled: false }));
    proxy.decide(({ operation }) =>
      operation === "DescribeTimeToLive"
        ? { status: 400, body: { __type: "com.amazon.coral.service#AccessDeniedException" } }
        : "pass",
    );
    const before = proxy.requests.length;
    const report = await ensureTables(client, names, { repair: true });
    expect(report.events.unknown.map(({ setting }) => setting)).toEqual(["ttl", "recovery"]);
    expect(report.events.changed).toEqual(["protection"]);
    expect(proxy.requests.slice(before).map(({ operation }) => operation)).not.toContain("UpdateTimeToLive");
  });

  it("compares tables without a change, and has no report of one that doesn't exist", async () => {
    expect(await checkTables(client, names)).toEqual({});
    await ensureTables(direct, names);
    await direct.send(new UpdateTableCommand({ TableName: names.aggregatesTable, DeletionProtectionEnabled: false }));
    const before = proxy.requests.length;
    const { events, aggregates } = await checkTables(client, names);
    expect(events).toMatchObject({ created: false, changed: [], different: [], failed: [] });
    expect(aggregates?.different).toEqual([{ setting: "protection", expected: "on", found: "off" }]);
    expect(aggregates?.unknown.map(({ setting }) => setting)).toEqual(["recovery"]);
    const operations = proxy.requests.slice(before).map(({ operation }) => operation);
    expect(operations.filter((operation) => !operation.startsWith("Describe"))).toEqual([]);
  });

  it("makes a feeds table and a stream where the feeds table is named, and neither where it isn't", async () => {
    const plain = await ensureTables(client, names);
    expect(plain).not.toHaveProperty("feeds");
    const { Table: without } = await direct.send(new DescribeTableCommand({ TableName: names.eventsTable }));
    expect(without?.StreamSpecification?.StreamEnabled ?? false).toBe(false);

    const subscribed = { ...freshTables(), feedsTable: `feeds-${randomUUID()}` };
    const report = await ensureTables(client, subscribed);
    expect(report.feeds).toMatchObject({
      table: subscribed.feedsTable,
      created: true,
      changed: ["ttl"],
      different: [],
    });
    const { Table: feeds } = await direct.send(new DescribeTableCommand({ TableName: subscribed.feedsTable }));
    expect(feeds?.KeySchema).toEqual([
      { AttributeName: "k", KeyType: "HASH" },
      { AttributeName: "s", KeyType: "RANGE" },
    ]);
    const { Table: events } = await direct.send(new DescribeTableCommand({ TableName: subscribed.eventsTable }));
    expect(events?.StreamSpecification).toEqual({ StreamEnabled: true, StreamViewType: "NEW_IMAGE" });
    const again = await checkTables(client, subscribed);
    expect(again.events?.different).toEqual([]);
    expect(again.feeds).toMatchObject({ created: false, changed: [], different: [], failed: [] });
  });

  it("reports a stream that is off, and switches it on when told", async () => {
    await ensureTables(direct, names);
    const subscribed = { ...names, feedsTable: `feeds-${randomUUID()}` };
    const off = { setting: "stream", expected: "NEW_IMAGE", found: "off", advice: expect.any(String) };
    expect((await checkTables(client, subscribed)).feeds).toBeUndefined();
    expect((await ensureTables(client, subscribed)).events).toMatchObject({ changed: [], different: [off] });
    const mended = await ensureTables(client, subscribed, { repair: true });
    expect(mended.events).toMatchObject({ changed: ["stream"], different: [], failed: [] });
    expect((await checkTables(client, subscribed)).events?.different).toEqual([]);
  });

  it.each([
    ["KEYS_ONLY", ["stream"]],
    ["OLD_IMAGE", ["stream"]],
    ["NEW_AND_OLD_IMAGES", []],
  ] as const)(
    "reports a stream of %s only if it doesn't bring what was saved, and leaves it",
    async (type, expected) => {
      await direct.send(
        new CreateTableCommand({
          ...eventsTable(names.eventsTable),
          StreamSpecification: { StreamEnabled: true, StreamViewType: type },
        }),
      );
      const subscribed = { ...names, feedsTable: `feeds-${randomUUID()}` };
      const { events } = await ensureTables(client, subscribed, { repair: true });
      expect(events.changed).not.toContain("stream");
      expect(events.different.map(({ setting }) => setting)).toEqual(expected);
      for (const { found, advice } of events.different)
        expect({ found, advice }).toEqual({ found: type, advice: expect.any(String) });
    },
  );

  it("says denied when it may not describe a table", async () => {
    proxy.decide(() => ({ status: 400, body: { __type: "com.amazon.coral.service#AccessDeniedException" } }));
    const error = await ensureTables(client, names).catch((error: unknown) => error);
    expect(isProtosourceError(error, "denied") && error.details.reason).toBe("AccessDeniedException");
  });

  it("refuses one table for two, and bad names", async () => {
    for (const bad of [
      { eventsTable: "same", aggregatesTable: "same" },
      { feedsTable: "events" },
      { feedsTable: "aggregates" },
      { feedsTable: "" },
      { eventsTable: "no" },
      { aggregatesTable: "a/b" },
    ]) {
      const error = await ensureTables(client, bad).catch((error: unknown) => error);
      expect(isProtosourceError(error, "invalid_argument")).toBe(true);
    }
  });
});

// DynamoDB Local adds an index to a table in seconds while it has few other tables, and in minutes when it has many.
describe.each([
  ["dynamodb-local", startDynamoDBLocal],
  ["dynoxide", startDynoxide],
] as const)("ensureTables on an empty %s", (_, start) => {
  let engine: Engine;
  let direct: DynamoDBClient;

  beforeAll(async () => {
    engine = await start();
    direct = engine.client();
  });
  afterAll(async () => {
    direct.destroy();
    await engine.stop();
  });

  it("reports what an existing table lacks, and mends it only when told", async () => {
    const names = freshTables();
    const complete = freshTables();
    await ensureTables(direct, complete);
    const { Table } = await direct.send(new DescribeTableCommand({ TableName: complete.aggregatesTable }));
    const missing = ["gsi7pk-gsi7sk-index", "gsi20pk-gsi20sk-index"];
    await direct.send(
      new CreateTableCommand({
        TableName: names.aggregatesTable,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: Table?.KeySchema,
        AttributeDefinitions: Table?.AttributeDefinitions?.filter(
          ({ AttributeName }) => !/^gsi(7|20)/.test(AttributeName ?? ""),
        ),
        GlobalSecondaryIndexes: Table?.GlobalSecondaryIndexes?.filter(
          ({ IndexName }) => !missing.includes(IndexName ?? ""),
        ).map(({ IndexName, KeySchema, Projection }) => ({ IndexName, KeySchema, Projection })),
      }),
    );
    const found = await ensureTables(direct, names);
    expect(found.aggregates.changed).toEqual([]);
    expect(found.aggregates.different.map(({ setting }) => setting)).toEqual(["protection", ...missing, "ttl"]);

    const mended = await ensureTables(direct, names, { repair: true });
    expect(mended.aggregates.changed).toEqual(found.aggregates.different.map(({ setting }) => setting));
    expect(mended.aggregates.different).toEqual([]);
    const after = await ensureTables(direct, names);
    expect(after.aggregates.different).toEqual([]);
  });
});
