/** What claims and checks store and cost, and what becomes of them when answers are lost. */
import { createHash } from "node:crypto";
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { engineClient } from "@protosource-es/engines";
import { isProtosourceError } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables, type ObservedRequest } from "protosource-es/dynamodb";
import { MemoryOpaqueStore } from "protosource-es/memory";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { engines, freshTables } from "../engines.js";
import { failure } from "../failure.js";

const NOW = 1_800_000_000n;

function record(version: bigint, bytes = 3): StoredRecord {
  return create(StoredRecordSchema, { version, data: new Uint8Array(bytes).fill(7) });
}

describe.each(engines)("claims and checks on $name", (engine) => {
  const { eventsTable, aggregatesTable: table } = freshTables();
  let proxy: FaultProxy;
  let direct: DynamoDBClient;
  let client: DynamoDBClient;
  let requests: ObservedRequest[];
  let store: DynamoDBStore;
  let ids = 0;
  let id: string;
  let scope: string;

  beforeAll(async () => {
    direct = engine.client();
    await ensureTables(direct, { eventsTable, aggregatesTable: table });
    proxy = await startFaultProxy(engine.endpoint);
    client = engineClient(proxy.endpoint);
    const options = { clock: { now: () => NOW * 1_000_000n }, onRequest: (one: ObservedRequest) => requests.push(one) };
    const opaqueStore = new DynamoDBOpaqueStore(client, { table, ...options });
    store = new DynamoDBStore(client, { eventsTable, opaqueStore, ...options });
  });
  afterAll(async () => {
    client.destroy();
    direct.destroy();
    await proxy.close();
  });
  beforeEach(() => {
    requests = [];
    proxy.decide(() => "pass");
    id = `claims_v1#${ids++}`;
    scope = `scope of ${id}`;
  });

  const keyOf = (value: string) => ({
    pk: { S: `!claim#${scope}#${createHash("sha256").update(value).digest("hex")}` },
    sk: { S: "CLAIM" },
  });
  const stored = async (value: string) =>
    (await direct.send(new GetItemCommand({ TableName: table, Key: keyOf(value) }))).Item;
  const loseOne = (fate: "lose answer" | "fail after", of: string) => {
    let left = 1;
    proxy.decide(({ operation }) => (operation === of && left-- > 0 ? fate : "pass"));
  };

  it("keeps a claim as the wire format says, without the value", async () => {
    const commitId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const claims = [
      { scope, value: "ann@example.org", owner: id },
      { scope, value: "für immer", owner: id, version: 1n, ttl: NOW + 60n, once: true },
    ];
    await store.saveAll([{ aggregateId: id, records: [record(1n)] }], { claims, commitId });
    expect(await stored("ann@example.org")).toEqual({
      ...keyOf("ann@example.org"),
      owner: { S: id },
      c: { B: commitId },
    });
    expect(await stored("für immer")).toEqual({
      ...keyOf("für immer"),
      owner: { S: id },
      c: { B: commitId },
      t: { N: String(NOW + 60n) },
      version: { N: "1" },
    });
  });

  it("takes a claim alone with one request, for half the price where nobody may free it, and reads it with one", async () => {
    await store.saveAll([], { claims: [{ scope, value: "v", owner: id }] });
    await store.saveAll([], { claims: [{ scope, value: "w", owner: id, once: true }] });
    await store.findClaim(scope, "v");
    expect(requests.map(({ operation, readUnits, writeUnits }) => [operation, readUnits, writeUnits])).toEqual([
      ["TransactWriteItems", 0, 2],
      ["PutItem", 0, 1],
      ["GetItem", 1, 0],
    ]);
  });

  it("doesn't take a freed value again when a copy of the request arrives late", async () => {
    let left = 1;
    proxy.decide(({ operation }) => (operation !== "GetItem" && left-- > 0 ? { delayMs: 500 } : "pass"));
    const timeLimits = { attemptMs: 100, totalMs: 2_000 };
    const hasty = new DynamoDBStore(client, {
      eventsTable,
      opaqueStore: new DynamoDBOpaqueStore(client, { table }),
      timeLimits,
    });
    const sent = proxy.requests.length;
    await hasty.saveAll([], { claims: [{ scope, value: "v", owner: id }] });
    expect(proxy.requests.length - sent).toBe(2);
    await store.saveAll([], { claims: [{ scope, value: "v", owner: id, release: true }] });
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await store.findClaim(scope, "v")).toBeUndefined();
  });

  it("looks at the end of a stream that is checked with one small read", async () => {
    const other = `other than ${id}`;
    await store.save(other, [record(1n), record(2n)]);
    requests = [];
    await store.saveAll([{ aggregateId: id, records: [record(1n)] }], { check: [{ aggregateId: other, version: 2n }] });
    expect(requests.map(({ operation, readUnits }) => [operation, readUnits])).toEqual([
      ["Query", 1],
      ["TransactWriteItems", 0],
    ]);
  });

  it("finds a stream that goes on between the look and the save", async () => {
    const other = `other than ${id}`;
    await store.save(other, [record(1n)]);
    const concurrent = new DynamoDBStore(direct, { eventsTable });
    let saved: Promise<void> | undefined;
    proxy.decide(({ operation }) => {
      if (operation !== "TransactWriteItems") return "pass";
      saved ??= concurrent.save(other, [record(2n)]);
      return { delayMs: 300 };
    });
    const check = [{ aggregateId: other, version: 1n }];
    const error = await failure(store.saveAll([{ aggregateId: id, records: [record(1n)] }], { check }));
    expect(error).toMatchObject({ code: "version_conflict", details: { aggregateId: other, version: 1n } });
    await saved;
    expect((await store.load(id)).records).toEqual([]);
  });

  it.each(["lose answer", "fail after"] as const)("knows its own claims when an answer is gone: %s", async (fate) => {
    loseOne(fate, "PutItem");
    await store.saveAll([], { claims: [{ scope, value: "alone", owner: id, once: true }] });
    loseOne(fate, "TransactWriteItems");
    const claims = [{ scope, value: "with events", owner: id, once: true }];
    await store.saveAll([{ aggregateId: id, records: [record(1n)] }], { claims });
    loseOne(fate, "TransactWriteItems");
    await store.saveAll([], { claims: [{ scope, value: "alone", owner: id, release: true }] });
    expect(await store.findClaim(scope, "alone")).toBeUndefined();
    expect(await store.findClaim(scope, "with events")).toMatchObject({ owner: id });
    expect((await store.load(id)).records).toHaveLength(1);
  });

  it("says unavailable for a value that is taken while an attempt is under way, which may find it free", async () => {
    const release = { scope, value: "v", owner: "somebody else" };
    await store.saveAll([], { claims: [release] });
    let left = 1;
    proxy.decide(({ operation }) => (operation === "TransactWriteItems" && left-- > 0 ? { delayMs: 500 } : "pass"));
    const timeLimits = { attemptMs: 100, totalMs: 2_000 };
    const opaqueStore = new DynamoDBOpaqueStore(client, { table });
    const hasty = new DynamoDBStore(client, { eventsTable, opaqueStore, timeLimits });
    const save = (commitId?: Uint8Array) =>
      hasty.saveAll([{ aggregateId: id, records: [record(1n)] }], {
        claims: [{ scope, value: "v", owner: id }],
        commitId,
      });
    const error = await failure(save());
    expect(error).toMatchObject({
      code: "unavailable",
      details: { outcome: "unknown", reasons: ["claim_taken"] },
      cause: { code: "claim_taken", details: { owner: "somebody else" } },
    });
    await store.saveAll([], { claims: [{ ...release, release: true }] });
    await expect.poll(async () => (await store.load(id)).records.length).toBe(1);
    expect(await store.findClaim(scope, "v")).toMatchObject({ owner: id });
    await save(isProtosourceError(error, "unavailable") ? error.details.commitId : undefined);
    expect((await store.load(id)).records).toHaveLength(1);
  });

  it("sends a transaction again without what it can't free", async () => {
    await store.saveAll([], { claims: [{ scope, value: "v", owner: "somebody else" }] });
    requests = [];
    const claims = [{ scope, value: "v", owner: id, release: true }];
    await store.saveAll([{ aggregateId: id, records: [record(1n)] }], { claims });
    expect(requests.map(({ operation, failure }) => [operation, failure])).toEqual([
      ["TransactWriteItems", "refused"],
      ["PutItem", undefined],
    ]);
    expect(await store.findClaim(scope, "v")).toMatchObject({ owner: "somebody else" });
  });

  it("says corrupt_record for a claim without an owner", async () => {
    await direct.send(new PutItemCommand({ TableName: table, Item: keyOf("broken") }));
    expect(await failure(store.findClaim(scope, "broken"))).toMatchObject({ code: "corrupt_record" });
    const taken = store.saveAll([], { claims: [{ scope, value: "broken", owner: id }] });
    expect(await failure(taken)).toMatchObject({ code: "claim_taken", details: { scope, owner: "" } });
  });

  it("refuses claims in a table that the transaction can't reach", async () => {
    const claims = [{ scope, value: "v", owner: id }];
    for (const opaqueStore of [new MemoryOpaqueStore(), new DynamoDBOpaqueStore(direct, { table })]) {
      const apart = new DynamoDBStore(client, { eventsTable, opaqueStore });
      expect(await failure(apart.saveAll([], { claims }))).toMatchObject({
        code: "invalid_argument",
        details: { argument: "opaqueStore" },
      });
    }
  });
});
