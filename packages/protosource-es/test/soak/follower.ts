/** One process of a soak of subscriptions: it writes orders that others write too, or follows all of them. */
import { openSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { isProtosourceError } from "protosource-es";
import { dynamoDBStream } from "protosource-es/dynamodb";
import { type Happening, Subscriptions } from "protosource-es/subscriptions";
import { orderEvent, recordOf } from "../subscriptions/sales.js";
import { openPlace, type Place, subscriptionsOf, TABLES } from "./followed.js";
import { randomNumbers } from "./random.js";
import { streamsClientOf } from "./streams-client.js";

/** What the soak tells a process, as JSON. */
export interface FollowerOptions {
  readonly role: "write" | "follow";
  readonly place: Place;
  readonly seed: number;
  readonly orders: number;
  /** The file of what was sent, or of a byte for each event that was written. */
  readonly file: string;
  /** The file of what happened, as JSON lines of counts. */
  readonly counts: string;
}

const CUSTOMERS = 40;
const MOST_AT_ONCE = 24;
const COUNT_EVERY_MS = 200;

const options = JSON.parse(process.argv[2] ?? "") as FollowerOptions;
const random = randomNumbers(options.seed);
const { store, opaqueStore, close } = openPlace(options.place);
const file = openSync(options.file, "a");
const end = new AbortController();
process.once("SIGTERM", () => end.abort());

/** Appends a few events to an order, unless somebody else does at that moment. */
async function write(): Promise<void> {
  const number = Math.floor(random() * options.orders);
  const id = `o${number}`;
  const streamId = `example_app_order_v1#${id}`;
  const { records: last } = await store.loadTail(streamId, 1);
  const first = (last[0]?.version ?? 0n) + 1n;
  const records = Array.from({ length: 1 + Math.floor(random() * MOST_AT_ONCE) }, (_, i) => {
    const version = first + BigInt(i);
    const customerId = `c${number % CUSTOMERS}`;
    if (version === 1n) {
      return recordOf(orderEvent("Created", id, 1n, { customerId, customerName: `r-${customerId}` }), 1n);
    }
    const item = { itemId: `i${version}`, priceCents: BigInt(Math.floor(random() * 100)) };
    const kind = random() < 0.7 ? "ItemAdded" : random() < 0.5 ? "Placed" : "Cancelled";
    return recordOf(orderEvent(kind, id, version, kind === "ItemAdded" ? { item } : {}), version);
  });
  await store.save(streamId, records);
  writeSync(file, "x".repeat(records.length));
}

async function follow(): Promise<void> {
  const counted = openSync(options.counts, "a");
  let counts: Partial<Record<Happening["kind"], number>> = {};
  const timer = setInterval(() => {
    writeSync(counted, `${JSON.stringify(counts)}\n`);
    counts = {};
  }, COUNT_EVERY_MS);
  const observe = ({ kind }: Happening): void => {
    counts[kind] = (counts[kind] ?? 0) + 1;
  };
  const all = subscriptionsOf(store, file);
  const subscriptions = new Subscriptions({ store, opaqueStore, all, observe });
  const source =
    options.place.kind === "sqlite"
      ? undefined
      : dynamoDBStream(streamsClientOf(options.place.endpoint), { table: TABLES.eventsTable, idleMs: 50 });
  await subscriptions.run({ source, signal: end.signal });
  clearInterval(timer);
}

while (!end.signal.aborted) {
  // A file is written without a pause, and signals come in one.
  await setImmediate();
  try {
    await (options.role === "write" ? write() : follow());
  } catch (error) {
    const isExpected = ["unavailable", "version_conflict", "cancelled"] as const;
    if (!isExpected.some((code) => isProtosourceError(error, code))) throw error;
  }
}
close();
process.exit(0);
