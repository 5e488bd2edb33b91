/** The faults that the published proxy injects, as a client meets them. */
import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { engineClient } from "@protosource-es/engines";
import { DynamoDBStore } from "protosource-es/dynamodb";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { FAULT_KINDS, type ProxiedRequest, randomFaults, startFaultProxy } from "protosource-es/testing/faults";
import { beforeEach, describe, expect, it } from "vitest";
import { behindProxy, engines } from "../engines.js";

function records(count: number): StoredRecord[] {
  return Array.from({ length: count }, (_, i) =>
    create(StoredRecordSchema, { version: BigInt(i + 1), data: new Uint8Array([i]) }),
  );
}

describe("random faults", () => {
  const requests: readonly ProxiedRequest[] = Array.from({ length: 4_000 }, (_, i) => ({
    operation: ["PutItem", "TransactWriteItems", "Query", "GetRecords"][i % 4] as string,
    before: Math.floor(i / 4),
    body: { TransactItems: [{}, {}, {}] },
  }));
  const fates = (seed: number, rate = 0.5): string =>
    JSON.stringify(
      requests
        .map(randomFaults({ seed, rate }).fateOf)
        .map((fate) => (typeof fate === "string" ? fate : Object.entries(fate))),
    );

  it("are the same for the same seed, and others for another", () => {
    expect(fates(1)).toBe(fates(1));
    expect(fates(1)).not.toBe(fates(2));
  });

  it("come as often as asked, each kind, and are counted", () => {
    const faults = randomFaults({ seed: 7, rate: 0.5 });
    const suffered = requests.map(faults.fateOf).filter((fate) => fate !== "pass").length;
    expect(suffered).toBeGreaterThan(1_800);
    expect(suffered).toBeLessThan(2_200);
    expect([...faults.counts.values()].reduce((sum, count) => sum + count, 0)).toBe(suffered);
    expect([...faults.counts.keys()].sort()).toEqual([...FAULT_KINDS].sort());
    expect(requests.map(randomFaults({ seed: 7, rate: 0 }).fateOf).every((fate) => fate === "pass")).toBe(true);
  });

  it("happen only to operations that they can happen to", () => {
    const faults = randomFaults({ seed: 1, rate: 1, kinds: ["torn transaction", "short page"] });
    expect(faults.fateOf({ operation: "PutItem", before: 0, body: {} })).toBe("pass");
    expect(faults.fateOf({ operation: "Query", before: 0, body: {} })).toHaveProperty("pageItems");
    expect(faults.fateOf({ operation: "TransactWriteItems", before: 0, body: {} })).toHaveProperty("tornMs");
  });
});

describe.each(engines)("the fault proxy before $name", async (engine) => {
  const { eventsTable, proxy, client, direct } = await behindProxy(engine);
  let ids = 0;
  let id: string;

  const query = (consistent: boolean): QueryCommand =>
    new QueryCommand({
      TableName: eventsTable,
      KeyConditionExpression: "a = :a",
      ExpressionAttributeValues: { ":a": { S: id } },
      ConsistentRead: consistent,
    });
  const seen = async (consistent = true): Promise<(string | undefined)[]> =>
    ((await client.send(query(consistent))).Items ?? []).map((item) => item["v"]?.N);

  beforeEach(() => {
    id = `faults#${ids++}`;
  });

  it("cuts pages, and gives empty ones that say where to go on", async () => {
    await new DynamoDBStore(direct, { eventsTable }).save(id, records(5));
    proxy.decide(() => ({ pageItems: 2 }));
    const first = await client.send(query(true));
    expect(first.Items?.length).toBe(2);
    proxy.decide(() => ({ pageItems: 0 }));
    const empty = await client.send(
      new QueryCommand({ ...query(true).input, ExclusiveStartKey: first.LastEvaluatedKey }),
    );
    expect(empty.Items).toEqual([]);
    expect(empty.LastEvaluatedKey).toEqual(first.LastEvaluatedKey);
    proxy.decide(() => ({ pageItems: 1 }));
    expect((await client.send(new ScanCommand({ TableName: eventsTable }))).Items?.length).toBe(1);
  });

  it("shows a part of a transaction until it answers it, and nothing torn afterwards", async () => {
    proxy.decide(({ operation }) =>
      operation === "TransactWriteItems" ? { tornMs: 300, hides: (index) => index < 2 } : "pass",
    );
    const saving = new DynamoDBStore(client, { eventsTable }).save(id, records(4));
    while (proxy.requests.at(-1)?.operation !== "TransactWriteItems") await new Promise((go) => setTimeout(go, 1));
    expect(await seen()).toEqual(["3", "4"]);
    await saving;
    expect(await seen()).toEqual(["1", "2", "3", "4"]);
  });

  it("shows no more of a transaction to a Query that was under way before it", async () => {
    const slow = await startFaultProxy(engine.endpoint);
    slow.decide(({ operation }) => (operation === "Query" ? { delayMs: 500 } : "pass"));
    const torn = await startFaultProxy(slow.endpoint);
    torn.decide(({ operation }) =>
      operation === "TransactWriteItems" ? { tornMs: 1_500, hides: (index) => index < 2 } : "pass",
    );
    const hasty = engineClient(torn.endpoint);
    try {
      const early = hasty.send(query(true));
      while (slow.requests.length === 0) await new Promise((go) => setTimeout(go, 1));
      const saving = new DynamoDBStore(hasty, { eventsTable }).save(id, records(4));
      expect((await early).Items?.map((item) => item["v"]?.N)).toEqual(["3", "4"]);
      await saving;
    } finally {
      hasty.destroy();
      await Promise.all([slow.close(), torn.close()]);
    }
  });

  it("hides nothing of a transaction that was carried out before", async () => {
    let sent = 0;
    proxy.decide(({ operation }) => {
      if (operation !== "TransactWriteItems") return "pass";
      return sent++ === 0 ? "fail after" : { tornMs: 500, hides: () => true };
    });
    let isSaved = false;
    const saving = new DynamoDBStore(client, { eventsTable }).save(id, records(4)).finally(() => {
      isSaved = true;
    });
    while (sent < 2) await new Promise((go) => setTimeout(go, 1));
    while (!isSaved) expect(await seen()).toEqual(["1", "2", "3", "4"]);
    await saving;
    expect(sent).toBe(2);
  });

  it("tells nobody of an event that it hides", async () => {
    proxy.decide(({ operation, body }) =>
      operation === "TransactWriteItems" && JSON.stringify(body).includes('"m"')
        ? { tornMs: 500, hides: () => true }
        : "pass",
    );
    const first = { TableName: eventsTable, Item: { a: { S: id }, v: { N: "1" } } };
    const condition = { ConditionExpression: "attribute_not_exists(a)" };
    for (const request of [
      () => client.send(new PutItemCommand({ ...first, ...condition })).then(String, String),
      () => client.send(new GetItemCommand({ TableName: eventsTable, Key: first.Item, ConsistentRead: true })),
      () =>
        client
          .send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { ...first, ...condition } }] }))
          .then(String, String),
    ]) {
      first.Item.a.S = id = `faults#${ids++}`;
      const saving = new DynamoDBStore(client, { eventsTable }).save(id, records(4));
      while (proxy.requests.at(-1)?.operation !== "TransactWriteItems") await new Promise((go) => setTimeout(go, 1));
      expect(await seen()).toEqual([]);
      await request();
      expect(await seen()).toEqual(["1", "2", "3", "4"]);
      await saving;
    }
  });

  it("answers a transaction that is sent again when its first copy is shown", async () => {
    let sent = 0;
    proxy.decide(({ operation }) =>
      operation === "TransactWriteItems" ? { tornMs: sent++ === 0 ? 800 : 0, hides: () => true } : "pass",
    );
    const impatient = new DynamoDBStore(client, { eventsTable, timeLimits: { attemptMs: 300 } });
    await impatient.save(id, records(4));
    expect(await seen()).toEqual(["1", "2", "3", "4"]);
    expect(sent).toBeGreaterThan(1);
  });

  it("gives an old answer to a read that needn't be consistent, and only to that", async () => {
    const store = new DynamoDBStore(direct, { eventsTable });
    expect(await seen(false)).toEqual([]);
    await store.save(id, records(1));
    proxy.decide(() => "stale");
    expect(await seen(false)).toEqual([]);
    expect(await seen(true)).toEqual(["1"]);
    proxy.decide(() => "pass");
    expect(await seen(false)).toEqual(["1"]);
  });

  it("carries a delayed request out, whether the client still waits or not", async () => {
    proxy.decide(({ operation }) => (operation === "PutItem" ? { delayMs: 300 } : "pass"));
    const hasty = new DynamoDBStore(client, { eventsTable, timeLimits: { attemptMs: 50, totalMs: 60 } });
    await expect(hasty.save(id, records(1))).rejects.toMatchObject({
      code: "unavailable",
      details: { outcome: "unknown" },
    });
    await expect.poll(() => seen()).toEqual(["1"]);
  });
});
