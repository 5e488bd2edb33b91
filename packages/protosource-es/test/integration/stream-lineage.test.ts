/** Shards that were split, on an engine that serves them: DynamoDB Local splits none, but keeps them in an SQLite file. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DynamoDBStreams } from "@aws-sdk/client-dynamodb-streams";
import { create } from "@bufbuild/protobuf";
import { type Engine, startDynamoDBLocal } from "@protosource-es/engines";
import Libsql from "libsql";
import type { Doorbell } from "protosource-es";
import { DynamoDBStore, dynamoDBStream, ensureTables } from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { streamsClient } from "../engines.js";

const PARENT_RECORDS = 4;
const RECORDS = 12;

interface Shard {
  readonly StreamID: string;
  readonly ShardID: string;
  readonly CreationDateTime: number;
}

/** Closes the only shard behind its first records, and puts the others into two children by turns. */
function splitShard(folder: string): void {
  const file = readdirSync(folder).find((name) => name.endsWith(".db"));
  const database = new Libsql(join(folder, String(file)));
  const [parent] = database.prepare("SELECT * FROM ss").all() as Shard[];
  if (parent === undefined) throw new Error("The engine keeps no shard.");
  const numbers = database
    .prepare("SELECT SequenceNumber FROM us ORDER BY SequenceNumber")
    .all()
    .map((row) => (row as { SequenceNumber: number }).SequenceNumber);
  const last = numbers[PARENT_RECORDS - 1];
  database
    .prepare("UPDATE ss SET SequenceNumberEnd = ?, DeletionDateTime = ? WHERE ShardID = ?")
    .run(last, Date.now(), parent.ShardID);
  for (const child of [0, 1]) {
    // The time of an id is looked at.
    const id = parent.ShardID.replace(/-[0-9a-f]+$/, `-0000000${child + 1}`);
    database
      .prepare("INSERT INTO ss VALUES (?, ?, ?, NULL, ?, NULL, ?)")
      .run(parent.StreamID, id, parent.CreationDateTime, Number(last) + 1, parent.ShardID);
    for (const number of numbers.slice(PARENT_RECORDS).filter((_, i) => i % 2 === child)) {
      database.prepare("UPDATE us SET ShardID = ? WHERE SequenceNumber = ?").run(id, number);
    }
  }
  database.close();
}

describe("dynamoDBStream of a shard that was split", () => {
  const folder = mkdtempSync(join(tmpdir(), "protosource-"));
  let engine: Engine;
  let proxy: FaultProxy;
  let streams: DynamoDBStreams;

  beforeAll(async () => {
    const first = await startDynamoDBLocal({ folder });
    const client = first.client();
    await ensureTables(client, { feedsTable: "feeds" });
    const store = new DynamoDBStore(client);
    for (let version = 1n; version <= BigInt(RECORDS); version++) {
      await store.save("a#1", [create(StoredRecordSchema, { version, data: Uint8Array.of(1) })]);
    }
    client.destroy();
    await first.stop();
    splitShard(folder);
    engine = await startDynamoDBLocal({ folder });
    proxy = await startFaultProxy(engine.endpoint);
    streams = streamsClient(proxy.endpoint);
  });
  afterAll(async () => {
    streams.destroy();
    await proxy.close();
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => proxy.decide(() => "pass"));

  /** Listens until all records rang. */
  const hearAll = async (): Promise<readonly Doorbell[]> => {
    const heard: Doorbell[] = [];
    for await (const { doorbells, missed } of dynamoDBStream(streams, { idleMs: 10 }).listen()) {
      heard.push(...doorbells);
      expect(missed ?? false).toBe(false);
      if (heard.length >= RECORDS) break;
    }
    return heard;
  };
  const ALL = Array.from({ length: RECORDS }, (_, i) => BigInt(i + 1));
  const versionsOf = (heard: readonly Doorbell[]): readonly bigint[] =>
    heard.map(({ version }) => version).toSorted((a, b) => Number(a - b));

  it("brings what is in the parent and in both children, each once", async () => {
    expect(versionsOf(await hearAll())).toEqual(ALL);
    const opened = proxy.requests.filter(({ operation }) => operation === "GetShardIterator");
    expect(new Set(opened.map(({ body }) => body["ShardId"])).size).toBe(3);
    expect(new Set(opened.map(({ body }) => body["ShardIteratorType"]))).toEqual(new Set(["TRIM_HORIZON"]));
  });

  it("looks for children as soon as it has read their parent to its end", async () => {
    let looks = 0;
    proxy.decide(({ operation }) =>
      operation === "DescribeStream" && looks++ === 0
        ? {
            rewrite: (answer) => {
              const description = answer["StreamDescription"] as { Shards: { ParentShardId?: string }[] };
              const Shards = description.Shards.filter(({ ParentShardId }) => ParentShardId === undefined);
              return { StreamDescription: { ...description, Shards } };
            },
          }
        : "pass",
    );
    const start = performance.now();
    expect(versionsOf(await hearAll())).toEqual(ALL);
    expect(performance.now() - start).toBeLessThan(8_000);
    expect(looks).toBe(2);
  });

  it("reads a shard on whose description shows a last number while it is open", async () => {
    proxy.decide(({ operation }) =>
      operation === "DescribeStream"
        ? {
            rewrite: (answer) => {
              const description = answer["StreamDescription"] as { Shards: object[] };
              const Shards = description.Shards.map((shard) => ({
                ...shard,
                SequenceNumberRange: { StartingSequenceNumber: "1", EndingSequenceNumber: "1" },
              }));
              return { StreamDescription: { ...description, Shards } };
            },
          }
        : "pass",
    );
    expect(versionsOf(await hearAll())).toEqual(ALL);
  });
});
