/** What a stream of 200,000 events takes of memory while it is read event by event. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type AttributeValue, BatchWriteItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { encodeEvent, orderEvents, STREAM_PREFIX } from "./sample.js";

/** What was seen while the stream was read. */
export interface LongStream {
  readonly events: number;
  readonly seconds: number;
  /** The most that live objects and buffers took above what they took before, in MiB. */
  readonly grownMiB: number;
}

const EVENTS = 200_000;
const SAMPLE_EVERY = 10_000;
const WRITES_AT_ONCE = 8;
const ITEMS_PER_WRITE = 25;

/** Writes a long stream and reads it. */
export async function readLongStream(client: DynamoDBClient): Promise<LongStream> {
  const table = "long-stream";
  await ensureTables(client, { eventsTable: table, aggregatesTable: `${table}-rows` });
  const id = crypto.randomUUID();
  await write(client, table, id);

  const timeLimits = { attemptMs: 60_000, totalMs: 300_000 };
  const store = new DynamoDBStore(client, { eventsTable: table, timeLimits });
  const before = liveMiB();
  const start = performance.now();
  let events = 0;
  let most = before;
  for await (const { version } of store.events(STREAM_PREFIX + id)) {
    events++;
    if (version !== BigInt(events)) throw new Error(`version ${version} came where ${events} should`);
    if (events % SAMPLE_EVERY === 0) most = Math.max(most, liveMiB());
  }
  return { events, seconds: (performance.now() - start) / 1000, grownMiB: most - before };
}

/** Writes without conditions, 25 items a request: only the reading is measured. */
async function write(client: DynamoDBClient, table: string, id: string): Promise<void> {
  const items = (from: number): Record<string, AttributeValue>[] =>
    orderEvents(id, from, ITEMS_PER_WRITE, "alike").map((event) => ({
      a: { S: STREAM_PREFIX + id },
      v: { N: String(event.version) },
      d: { B: encodeEvent(event) },
    }));
  for (let from = 1; from <= EVENTS; from += ITEMS_PER_WRITE * WRITES_AT_ONCE) {
    await Promise.all(
      Array.from({ length: WRITES_AT_ONCE }, async (_, i) => {
        const requests = items(from + i * ITEMS_PER_WRITE).map((Item) => ({ PutRequest: { Item } }));
        const { UnprocessedItems } = await client.send(
          new BatchWriteItemCommand({ RequestItems: { [table]: requests } }),
        );
        if (Object.keys(UnprocessedItems ?? {}).length > 0) throw new Error("the engine left items unwritten");
      }),
    );
  }
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What live objects and buffers take, after a collection. */
function liveMiB(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}
