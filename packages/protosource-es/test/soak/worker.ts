/** One process of a soak: it reads and writes streams that others write too, until it is done or killed. */
import { create } from "@bufbuild/protobuf";
import { engineClient } from "@protosource-es/engines";
import { isProtosourceError, Repository, type StreamWrite, type TransactionOptions } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore } from "protosource-es/dynamodb";
import { OpaqueDataSchema, type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../order.js";
import { type Begun, now, openJournal } from "./journal.js";
import { fastClock, LIFE_IDS, lifeOperations, mortal } from "./lives.js";
import { randomNumbers } from "./random.js";

/** What the soak tells a worker, as JSON. */
export interface WorkerOptions {
  readonly endpoint: string;
  readonly eventsTable: string;
  readonly aggregatesTable: string;
  readonly layout: "compatible" | "packed";
  readonly journal: string;
  /** Which worker it is, and how often it was started. */
  readonly name: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly atOnce: number;
  readonly maxAttempts: number;
  /** How many connections the worker has; as many as it wants by default. */
  readonly maxSockets?: number | undefined;
  /** When the soak began, by the clock of the journals, and by how much the worker's own is ahead. */
  readonly begin: number;
  readonly skewMs: number;
  readonly timeLimits: { readonly attemptMs: number; readonly totalMs: number };
}

/** Operations after which a worker goes on to other streams, and the number of streams that it uses at a time. */
const OPERATIONS_PER_STREAM = 20;
const STREAMS_AT_ONCE = 6;

const CLAIM_SCOPE = "soak";

const options = JSON.parse(process.argv[2] ?? "") as WorkerOptions;
const { eventsTable, aggregatesTable, layout, timeLimits } = options;
const journal = openJournal(options.journal);
const random = randomNumbers(options.seed);
const { maxAttempts, maxSockets } = options;
const client = engineClient(options.endpoint, {
  maxAttempts,
  ...(maxSockets !== undefined && { requestHandler: { httpAgent: { maxSockets } } }),
});
const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable, timeLimits });
const store = new DynamoDBStore(client, { eventsTable, opaqueStore, layout, timeLimits });
const quiet = { warn() {} };
const repositories = {
  row: new Repository(order, store, { materialize: "transactional", retries: 20, logger: quiet }),
  later: new Repository(order, store, { retries: 20, logger: quiet }),
  warm: new Repository(order, store, { retries: 20, logger: quiet, cache: new Map() }),
};
const clock = fastClock(options.begin, options.skewMs);
const mortalRows = new DynamoDBOpaqueStore(client, { table: aggregatesTable, timeLimits, clock });
const mortalStore = new DynamoDBStore(client, { eventsTable, opaqueStore: mortalRows, layout, timeLimits, clock });
const lives = lifeOperations(
  new Repository(mortal, mortalStore, { retries: 20, logger: quiet, clock }),
  options.begin,
  journal,
);

/** What this process knows of each stream: no later consistent read may show less, or anything else. */
const known = new Map<string, string[]>();

function wrong(what: string): void {
  journal({ kind: "wrong", what: `${options.name}: ${what}` });
}

/** Compares what a read gave with what is known, and remembers it. `floor` is what was known when the read began. */
function check(stream: string, read: readonly StoredRecord[], first: bigint, floor: number, name: string): void {
  const seen = known.get(stream) ?? [];
  known.set(stream, seen);
  read.forEach(({ version, data }, i) => {
    if (version !== first + BigInt(i)) wrong(`${name} of ${stream} gave version ${version} at ${i} from ${first}`);
    const text = Buffer.from(data).toString();
    const before = seen[Number(version) - 1];
    if (before !== undefined && before !== text) wrong(`${name} of ${stream} changed version ${version}`);
    seen[Number(version) - 1] = text;
  });
  const last = Number(first) + read.length - 1;
  if (last < floor) wrong(`${name} of ${stream} ended at ${last}, and ${floor} was known`);
}

function floorOf(stream: string): number {
  return known.get(stream)?.length ?? 0;
}

function recordsOf(write: string, stream: string, end: bigint, count: number): StoredRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const data = Buffer.from(JSON.stringify({ write, stream, i, pad: "x".repeat(Math.floor(random() * 60)) }));
    return create(StoredRecordSchema, { version: end + BigInt(i) + 1n, data });
  });
}

async function endOf(stream: string): Promise<bigint> {
  const floor = floorOf(stream);
  const { records } = await store.loadTail(stream, 3);
  const first = records[0]?.version ?? 1n;
  check(stream, records, first, floor, "loadTail");
  return records.at(-1)?.version ?? 0n;
}

/** Aborts a part of the writes while they are under way. */
function abortSometimes(): AbortSignal | undefined {
  return random() < 0.04 ? AbortSignal.timeout(Math.floor(random() * 40)) : undefined;
}

/** Sends a write until its fate is known, or nobody will know it, and writes down what the caller heard. */
async function heard(
  begun: Omit<Begun, "kind" | "at">,
  send: (commitId: Uint8Array, signal: AbortSignal | undefined) => Promise<unknown>,
): Promise<string> {
  const { write, claim } = begun;
  const signal = abortSometimes();
  let isInDoubt = false;
  const commitId = crypto.getRandomValues(new Uint8Array(8));
  journal({ kind: "begun", at: now(), ...begun });
  const hears = (outcome: "stored" | "refused" | "unknown"): void =>
    journal({ kind: "heard", write, at: now(), outcome });
  for (let attempt = 1; ; attempt++) {
    const sent = now();
    try {
      await send(commitId, signal);
      hears("stored");
      return "stored";
    } catch (error) {
      if (isProtosourceError(error, "version_conflict")) {
        hears("refused");
        return "conflict";
      }
      if (isProtosourceError(error, "claim_taken") && claim !== undefined) {
        journal({ kind: "owned", value: claim.value, owner: error.details.owner, begun: sent, ended: now() });
        // The value may be free again when an earlier attempt arrives.
        hears(attempt === 1 ? "refused" : "unknown");
        return "taken";
      }
      if (isProtosourceError(error, "partial_save") && isProtosourceError(error.cause, "version_conflict")) {
        hears("unknown");
        return "partial";
      }
      if (isProtosourceError(error, "cancelled")) {
        // The caller's own attempt before this one may still arrive.
        hears(isInDoubt ? "unknown" : "refused");
        return "cancelled";
      }
      isInDoubt = true;
      const isOpen = isProtosourceError(error, "unavailable") || isProtosourceError(error, "partial_save");
      if (!isOpen) throw error;
      if (attempt < 3) continue;
      hears("unknown");
      return "unknown";
    }
  }
}

async function save(write: string, operation: number, stream: string): Promise<string> {
  const end = await endOf(stream);
  const size = random();
  const count = size < 0.6 ? 1 : size < 0.995 ? 2 + Math.floor(random() * 5) : 150;
  const records = recordsOf(write, stream, end, count);
  const outcome = await heard({ write, operation, events: { [stream]: count } }, (commitId, signal) =>
    store.save(stream, records, { commitId, signal }),
  );
  if (outcome === "stored") check(stream, records, end + 1n, 0, "save");
  return outcome;
}

async function saveAll(write: string, operation: number, streams: readonly string[]): Promise<string> {
  const writes = await Promise.all(streams.map((stream) => append(write, stream, 1 + Math.floor(random() * 3))));
  const [first] = writes;
  const version = first?.records.at(-1)?.version ?? 0n;
  const row = create(OpaqueDataSchema, {
    pk: `row ${first?.aggregateId}`,
    sk: "AGG",
    version,
    body: Buffer.from(write),
  });
  return transact({ write, operation }, writes, { rows: [{ row }] });
}

async function checkOther(write: string, operation: number, stream: string, other: string): Promise<string> {
  const version = await endOf(other);
  const writes = [await append(write, stream, 1)];
  const check = { stream: other, version: Number(version) };
  return transact({ write, operation, check }, writes, { check: [{ aggregateId: other, version }] });
}

async function claim(write: string, operation: number, value: string, owner: string): Promise<string> {
  const claim = { value, owner, release: random() < 0.5 };
  const writes = [await append(write, owner, 1)];
  return transact({ write, operation, claim }, writes, { claims: [{ scope: CLAIM_SCOPE, ...claim }] });
}

async function append(write: string, stream: string, count: number): Promise<StreamWrite> {
  return { aggregateId: stream, records: recordsOf(write, stream, await endOf(stream), count) };
}

async function transact(
  begun: Omit<Begun, "kind" | "at" | "events">,
  writes: readonly StreamWrite[],
  options: TransactionOptions,
): Promise<string> {
  const events = Object.fromEntries(writes.map(({ aggregateId, records }) => [aggregateId, records.length]));
  const outcome = await heard({ ...begun, events }, (commitId, signal) =>
    store.saveAll(writes, { ...options, commitId, signal }),
  );
  if (outcome === "stored") {
    for (const { aggregateId, records } of writes) {
      check(aggregateId, records, records[0]?.version ?? 1n, 0, "saveAll");
    }
  }
  return outcome;
}

/** The orders that may exist by now. */
const created = new Set<string>();

async function apply(write: string, operation: number, id: string, commandId?: string): Promise<string> {
  const repository = id.endsWith("0") ? repositories.row : id.endsWith("1") ? repositories.warm : repositories.later;
  if (!created.has(id)) {
    const creation = repository.apply(orderCommands.Create({ customerId: "soak" }), { id, actor: "soak" });
    await creation.catch((error: unknown) => {
      if (!isProtosourceError(error, "already_created")) throw error;
    });
    created.add(id);
  }
  journal({ kind: "begun", write, at: now(), operation, events: { [`example_app_order_v1#${id}`]: 1 } });
  // The same of all who send a command of one id.
  const key = commandId === undefined ? `k${Math.floor(random() * 5)}` : "known";
  const tag = orderCommands.AddTag({ tag: { key, value: write } });
  try {
    const { version, repeated } = await repository.apply(tag, {
      id,
      actor: "soak",
      commandId,
      signal: abortSometimes(),
    });
    const command = commandId === undefined ? undefined : { version: Number(version), repeated };
    journal({ kind: "heard", write, at: now(), outcome: "stored", command });
    return repeated ? "repeated" : "stored";
  } catch (error) {
    for (const code of ["version_conflict", "cancelled"] as const) {
      if (!isProtosourceError(error, code)) continue;
      journal({ kind: "heard", write, at: now(), outcome: "refused" });
      return code;
    }
    if (!isProtosourceError(error, "unavailable")) throw error;
    const { outcome } = error.details;
    journal({ kind: "heard", write, at: now(), outcome: outcome === "unknown" ? "unknown" : "refused" });
    return outcome;
  }
}

async function ownerOf(value: string): Promise<string> {
  const begun = now();
  const claim = await store.findClaim(CLAIM_SCOPE, value);
  journal({ kind: "owned", value, owner: claim?.owner, begun, ended: now() });
  return "read";
}

async function load(stream: string): Promise<string> {
  const floor = floorOf(stream);
  check(stream, (await store.load(stream)).records, 1n, floor, "load");
  return "read";
}

async function events(stream: string): Promise<string> {
  const floor = floorOf(stream);
  const from = BigInt(1 + Math.floor(random() * (floor + 1)));
  const read: StoredRecord[] = [];
  const isDown = random() < 0.5;
  for await (const record of store.events(stream, { from, reverse: isDown })) read.push(record);
  check(stream, isDown ? read.reverse() : read, from, floor, "events");
  return "read";
}

async function eventualLoad(stream: string): Promise<string> {
  check(stream, (await store.load(stream, { consistency: "eventual" })).records, 1n, 0, "eventual load");
  return "read";
}

async function row(stream: string): Promise<string> {
  await opaqueStore.get({ pk: `row ${stream}`, sk: "AGG" });
  return "read";
}

/** The share of each operation, in percent. */
const SHARES = {
  save: 18,
  saveAll: 8,
  "create or update what expires": 8,
  "save with a check": 6,
  "take or free a value": 10,
  "owner of a value": 4,
  apply: 12,
  "apply with an id": 6,
  load: 10,
  loadTail: 6,
  events: 6,
  "eventual load": 3,
  get: 3,
} as const;

type Operation = keyof typeof SHARES;

function choose(): Operation {
  let left = random() * 100;
  return (Object.keys(SHARES) as Operation[]).find((name) => {
    left -= SHARES[name];
    return left < 0;
  }) as Operation;
}

function run(name: Operation, operation: number, number: number): Promise<string> {
  const write = `${options.name}-${operation}`;
  const [stream, other] = [`soak_v1#${number}`, `soak_v1#${number + 1}`];
  const any = Math.floor(random() * 3);
  switch (name) {
    case "save":
      return save(write, operation, stream);
    case "saveAll":
      return saveAll(write, operation, [stream, other]);
    case "save with a check":
      // In both directions, so that two can check what the other one writes.
      return any > 0 ? checkOther(write, operation, stream, other) : checkOther(write, operation, other, stream);
    case "take or free a value":
      return claim(write, operation, `value ${number}`, `soak_v1#owner ${any} of ${number}`);
    case "owner of a value":
      return ownerOf(`value ${number}`);
    case "apply":
      return apply(write, operation, `o-${number}`);
    case "apply with an id":
      return apply(`command ${any} of ${number}`, operation, `o-${number}`, `command ${any} of ${number}`);
    case "create or update what expires":
      return lives.act(LIFE_IDS[Math.floor(random() * LIFE_IDS.length)] as string, write, any === 0);
    case "load":
      return load(stream);
    case "loadTail":
      return endOf(stream).then(() => "read");
    case "events":
      return events(stream);
    case "eventual load":
      return eventualLoad(stream);
    case "get":
      return row(stream);
  }
}

async function operate(operation: number): Promise<void> {
  const window = Math.floor(operation / OPERATIONS_PER_STREAM);
  const number = window + Math.floor(random() * STREAMS_AT_ONCE);
  const name = choose();
  const outcome = await run(name, operation, number).catch((error: unknown) => {
    // What is out of time before a write begins wrote nothing.
    if (isProtosourceError(error, "unavailable")) return "unavailable";
    wrong(`${name} ${options.name}-${operation}: ${String(error)}`);
    return "error";
  });
  journal({ kind: "finished", operation, name, outcome });
}

let next = options.from;
async function loop(): Promise<void> {
  while (next < options.to) await operate(next++);
}
await Promise.all(Array.from({ length: options.atOnce }, loop));
client.destroy();
