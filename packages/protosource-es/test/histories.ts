/**
 * Concurrent histories: clients that read and write the same streams at once, and what makes such a history right.
 *
 * A stream is a list that is only appended to. A history of it is linearizable when the acknowledged writes are in it
 * once, in an order that agrees with time; refused ones aren't; those of unknown outcome are, at most once and whole;
 * and each read gives a beginning of the list that ends behind a write, no shorter than what was acknowledged or read
 * before it began, and without anything that began after it ended.
 */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  type AggregateStore,
  isProtosourceError,
  Repository,
  type SnapshotTailStore,
  type Store,
  type StreamingStore,
  type TransactionalStore,
} from "protosource-es";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { type OrderTypes, orderCommands } from "./gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "./order.js";

/** Rows that couldn't be written are no matter of these tests. */
const QUIET = { warn(): void {} };

export type HistoryStore = Store & SnapshotTailStore & TransactionalStore & AggregateStore & Partial<StreamingStore>;

/** A client of a store. */
export interface HistoryClient {
  readonly store: HistoryStore;
  /** Leaves it as a process does that ends in the middle of something. */
  drop(): void;
}

/** One call of a client. `stream` is 0 or 1; `count` a number of records. */
export interface Step {
  readonly call: "save" | "saveAll" | "apply" | "load" | "loadTail" | "events" | "history" | "crash";
  readonly stream: 0 | 1;
  readonly count: number;
  /** Turns of the event loop before the call. */
  readonly pause: number;
}

/** What each of the clients does, one call after another. */
export type Plan = readonly (readonly Step[])[];

/** Any plan. */
export const plans: fc.Arbitrary<Plan> = fc.array(
  fc.array(
    fc.record<Step>({
      call: fc.constantFrom(
        "save",
        "save",
        "saveAll",
        "apply",
        "apply",
        "load",
        "loadTail",
        "events",
        "history",
        "crash",
      ),
      stream: fc.constantFrom(0, 1),
      count: fc.integer({ min: 1, max: 4 }),
      pause: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 1, maxLength: 7 },
  ),
  { minLength: 2, maxLength: 3 },
);

interface Write {
  readonly name: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly begun: number;
  ended: number;
  outcome: "stored" | "refused" | "unknown";
}

interface Read {
  readonly stream: string;
  readonly begun: number;
  readonly ended: number;
  /** The names of the writes of the records, from version `first` on. */
  readonly names: readonly string[];
  readonly first: number;
}

let plansRun = 0;

/** Carries a plan out, and gives what is wrong with the history: nothing, if all is well. */
export async function runPlan(plan: Plan, open: () => HistoryClient): Promise<readonly string[]> {
  const run = `${plansRun++}-${crypto.randomUUID()}`;
  const raw = [`history_v1#${run}-a`, `history_v1#${run}-b`] as const;
  const orders = [`${run}-c`, `${run}-d`] as const;
  const writes: Write[] = [];
  const reads: Read[] = [];
  const left: Promise<unknown>[] = [];
  const problems: string[] = [];
  let time = 0;

  const write = async (
    name: string,
    counts: ReadonlyMap<string, number>,
    send: () => Promise<unknown>,
  ): Promise<void> => {
    const entry: Write = { name, counts, begun: time++, ended: Number.POSITIVE_INFINITY, outcome: "unknown" };
    writes.push(entry);
    try {
      await send();
      entry.outcome = "stored";
    } catch (error) {
      // Without a creation, which was out of time, there is nothing to apply a command to.
      if (isProtosourceError(error, "version_conflict") || isProtosourceError(error, "not_created"))
        entry.outcome = "refused";
      else if (isProtosourceError(error, "unavailable")) {
        entry.outcome = error.details.outcome === "unknown" ? "unknown" : "refused";
      } else problems.push(`${name}: ${String(error)}`);
    }
    if (entry.outcome !== "unknown") entry.ended = time++;
  };
  const read = async (stream: string, names: () => Promise<{ names: string[]; first: number }>): Promise<void> => {
    const begun = time++;
    try {
      const found = await names();
      reads.push({ stream, begun, ended: time++, ...found });
    } catch (error) {
      if (!isProtosourceError(error, "unavailable")) problems.push(`a read of ${stream}: ${String(error)}`);
    }
  };
  const namesOf = (records: readonly StoredRecord[]): { names: string[]; first: number } => ({
    names: records.map(({ data }) => new TextDecoder().decode(data)),
    first: Number(records[0]?.version ?? 1n),
  });

  const runClient = async (steps: readonly Step[], client: number): Promise<void> => {
    let { store, drop } = open();
    let repository = new Repository(order, store, { logger: QUIET });
    for (const [number, { call, stream, count, pause }] of steps.entries()) {
      for (let turn = 0; turn < pause; turn++) await new Promise((resolve) => setTimeout(resolve));
      const name = `${client}.${number}`;
      const id = raw[stream];
      const append = async (
        count: number,
        stream: string,
      ): Promise<{ aggregateId: string; records: StoredRecord[] }> => {
        const end = (await store.loadTail(stream, 1)).records.at(-1)?.version ?? 0n;
        const data = new TextEncoder().encode(name);
        const records = Array.from({ length: count }, (_, i) =>
          create(StoredRecordSchema, { version: end + BigInt(i) + 1n, data }),
        );
        return { aggregateId: stream, records };
      };
      try {
        if (call === "save" || call === "crash") {
          const { records } = await append(count, id);
          const saved = write(name, new Map([[id, count]]), () => store.save(id, records));
          if (call === "save") await saved;
          else {
            left.push(saved);
            drop();
            ({ store, drop } = open());
            repository = new Repository(order, store, { logger: QUIET });
          }
        } else if (call === "saveAll") {
          const both = [await append(count, raw[0]), await append(1, raw[1])];
          await write(name, new Map(both.map((one) => [one.aggregateId, one.records.length])), () =>
            store.saveAll(both),
          );
        } else if (call === "apply") {
          await apply(repository, orders[stream], name, write);
        } else if (call === "load") {
          await read(id, async () => namesOf((await store.load(id)).records));
        } else if (call === "loadTail") {
          await read(id, async () => namesOf((await store.loadTail(id, count)).records));
        } else if (call === "events" && store.events !== undefined) {
          const { events } = store;
          await read(id, async () => {
            const records: StoredRecord[] = [];
            for await (const record of events.call(store, id)) records.push(record);
            return namesOf(records);
          });
        } else {
          await read(orders[stream], async () => ({ names: await tags(repository, orders[stream]), first: 1 }));
        }
      } catch (error) {
        // A client that learns nothing of the stream's end writes nothing.
        if (!isProtosourceError(error, "unavailable")) problems.push(`${name}: ${String(error)}`);
      }
    }
    drop();
  };
  await Promise.all(plan.map(runClient));
  await Promise.all(left);

  const { store, drop } = open();
  for (const id of raw)
    problems.push(...check(id, namesOf((await patiently(() => store.load(id))).records).names, writes, reads));
  for (const id of orders) {
    const names = await patiently(() => tags(new Repository(order, store, { logger: QUIET }), id));
    problems.push(...check(id, names, writes, reads));
  }
  drop();
  return problems;
}

async function apply(
  repository: Repository<OrderTypes>,
  id: string,
  name: string,
  write: (name: string, counts: ReadonlyMap<string, number>, send: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const options = { id, actor: "a" };
  await repository.apply(orderCommands.Create({ customerId: "c" }), options).catch((error: unknown) => {
    if (!isProtosourceError(error, "already_created") && !isProtosourceError(error, "unavailable")) throw error;
  });
  const tag = orderCommands.AddTag({ tag: { key: "k", value: name } });
  await write(name, new Map([[id, 1]]), () => repository.apply(tag, options));
}

/** The writes of an order's events; "" for its creation. */
async function tags(repository: Repository<OrderTypes>, id: string): Promise<string[]> {
  return (await repository.history(id)).map((event) => ("tag" in event ? (event.tag?.value ?? "") : ""));
}

/** Reads until no fault is in the way. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!isProtosourceError(error, "unavailable")) throw error;
    }
  }
}

/** Gives what is wrong with the history of one stream that holds the records of these writes at last. */
function check(stream: string, stored: readonly string[], writes: readonly Write[], reads: readonly Read[]): string[] {
  const problems: string[] = [];
  const shown = `${stream} holds ${JSON.stringify(stored)}`;
  const ends = new Map<string, number>();
  for (const { name, counts, outcome } of writes) {
    const count = counts.get(stream);
    if (count === undefined) continue;
    const first = stored.indexOf(name);
    const found = stored.filter((one) => one === name).length;
    const isTogether = found === count && stored.lastIndexOf(name) === first + count - 1;
    const isRight = outcome === "stored" ? isTogether : outcome === "refused" ? found === 0 : found === 0 || isTogether;
    if (!isRight) problems.push(`${shown}, and ${count} of ${name} were ${outcome}`);
    if (found > 0) ends.set(name, first + found);
  }
  for (const name of stored) {
    if (name !== "" && !ends.has(name)) problems.push(`${shown}, and nobody wrote ${name}`);
  }
  for (const earlier of writes) {
    for (const later of writes) {
      if (earlier.ended > later.begun || !(Number(ends.get(earlier.name)) > Number(ends.get(later.name)))) continue;
      problems.push(`${shown}, and ${earlier.name} was stored before ${later.name} began`);
    }
  }
  const boundaries = new Set([0, ...ends.values(), ...stored.flatMap((name, i) => (name === "" ? [i + 1] : []))]);
  const own = reads.filter((read) => read.stream === stream);
  for (const { begun, ended, names, first } of own) {
    const end = first - 1 + names.length;
    const known = Math.max(
      0,
      ...writes.map((write) => (write.ended < begun ? (ends.get(write.name) ?? 0) : 0)),
      ...own.map((read) => (read.ended < begun ? read.first - 1 + read.names.length : 0)),
    );
    const read = `a read gave ${JSON.stringify(names)} from ${first}`;
    if (names.some((name, i) => stored[first - 1 + i] !== name)) problems.push(`${shown}, and ${read}`);
    if (end < known) problems.push(`${shown}, and ${read}, when ${known} records were known`);
    if (!boundaries.has(end)) problems.push(`${shown}, and ${read}, in the middle of a write`);
    for (const name of names) {
      const write = writes.find((one) => one.name === name);
      if (write !== undefined && write.begun > ended) problems.push(`${read}, before ${name} began`);
    }
  }
  return problems;
}
