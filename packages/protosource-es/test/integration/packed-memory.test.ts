/** What a reader keeps in memory of a packed stream, of which a page of 1 MB unpacks to hundreds of times as much. */
import { create } from "@bufbuild/protobuf";
import { DynamoDBStore } from "protosource-es/dynamodb";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { beforeAll, describe, expect, it } from "vitest";
import { behindProxy, engines } from "../engines.js";

const MB = 1024 * 1024;
const SAVES = 200;
const RECORD_BYTES = 0.5 * MB;

function record(version: number): StoredRecord {
  return create(StoredRecordSchema, { version: BigInt(version), data: new Uint8Array(RECORD_BYTES).fill(97) });
}

describe.each(engines)("a packed stream of 200 MB in 200 KB on $name", async (engine) => {
  const { eventsTable, direct } = await behindProxy(engine);
  const store = new DynamoDBStore(direct, { eventsTable, layout: "packed" });
  const id = "packed#1";

  beforeAll(async () => {
    for (let i = 0; i < SAVES; i++) await store.save(id, [record(2 * i + 1), record(2 * i + 2)]);
  });

  it.each([false, true])("is read a part at a time, reverse %s", async (reverse) => {
    const versions: bigint[] = [];
    let most = 0;
    for await (const { version } of store.events(id, { reverse })) {
      versions.push(version);
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
    const ascending = Array.from({ length: 2 * SAVES }, (_, i) => BigInt(i + 1));
    expect(versions).toEqual(reverse ? ascending.reverse() : ascending);
    expect(most).toBeLessThan(120 * MB);
  });

  it("is scanned in pages that aren't much larger than 16 MB", async () => {
    const versions: bigint[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.scan({ aggregateId: id, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.records.length * RECORD_BYTES).toBeLessThanOrEqual(17 * MB);
      versions.push(...page.records.map(({ record: { version } }) => version));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(versions).toEqual(Array.from({ length: 2 * SAVES }, (_, i) => BigInt(i + 1)));
  });
});
