/** A random run of subscriptions: streams are written, doorbells ring as badly as they may, and workers meet faults. */
import { create } from "@bufbuild/protobuf";
import { type Doorbell, type EventStore, ProtosourceError, type StoredRecord } from "protosource-es";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { modelRows, type Subscription, Subscriptions, subscriptionId } from "protosource-es/subscriptions";
import { type CustomerSales, CustomerSalesSchema } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import { diary, journal } from "./journal.js";
import { bytesOf, orderEvent, recordOf, rowOf, sales, testEvent } from "./sales.js";

/** What a run is given. */
export interface RandomRun {
  readonly random: () => number;
  /** What writers and the oracle use: without faults. */
  readonly store: EventStore;
  readonly opaqueStore: OpaqueStore;
  /** What the workers use. */
  readonly faulty: EventStore;
  readonly faultyRows: OpaqueStore;
  /** Ends the faults. */
  readonly heal: () => void;
  readonly streams: number;
  readonly workers: number;
}

/** What a run found. */
export interface RandomRunReport {
  readonly events: number;
  readonly expected: ReadonlyMap<string, string | undefined>;
  readonly found: ReadonlyMap<string, string | undefined>;
  readonly counts: ReadonlyMap<string, number>;
}

const CUSTOMERS = ["c0", "c1", "c2", "c3", "c4", "c5", "c6"];

interface Stream {
  readonly streamId: string;
  readonly id: string;
  readonly isOrder: boolean;
  records: StoredRecord[];
}

/** Runs it, and gives what the rows hold and what they should. */
export async function randomRun(run: RandomRun): Promise<RandomRunReport> {
  const { random, store, opaqueStore } = run;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const counts = new Map<string, number>();
  const all: Subscription[] = [sales(), journal(), diary()];
  const makeWorker = (): Subscriptions =>
    new Subscriptions({
      store: run.faulty,
      opaqueStore: run.faultyRows,
      all,
      observe: ({ kind }) => counts.set(kind, (counts.get(kind) ?? 0) + 1),
    });
  const workers = Array.from({ length: run.workers }, makeWorker);
  const streams: Stream[] = Array.from({ length: run.streams }, (_, i) => {
    const isOrder = random() < 0.7;
    const id = `s${i}`;
    return { streamId: `${isOrder ? "example_app_order_v1" : "example_app_test_v1"}#${id}`, id, isOrder, records: [] };
  });
  const expectedRows = new Map<string, CustomerSales>();
  const expectedJournal = new Map<string, string>();
  const expectedDiary = new Map<string, string>();
  const rings: Promise<unknown>[] = [];
  const bells: Doorbell[] = [];
  let events = 0;

  const rowFor = (customer: string): CustomerSales => {
    const row = expectedRows.get(customer) ?? create(CustomerSalesSchema, { customerId: customer });
    expectedRows.set(customer, row);
    return row;
  };

  const customers = new Map<string, string>();
  const cents = new Map<string, bigint>();
  const write = async (stream: Stream): Promise<void> => {
    const { id, streamId, isOrder } = stream;
    const made: StoredRecord[] = [];
    const size = 1 + Math.floor(random() * 4);
    for (let i = 0; i < size; i++) {
      const version = BigInt(stream.records.length + made.length + 1);
      const note = () => expectedJournal.set(streamId, `${expectedJournal.get(streamId) ?? ""}${version},`);
      events++;
      if (isOrder && version === 1n) {
        const customerId = pick(CUSTOMERS);
        customers.set(id, customerId);
        made.push(
          recordOf(orderEvent("Created", id, version, { customerId, customerName: `r-${customerId}` }), version),
        );
        const row = rowFor(customerId);
        row.orders += 1n;
        row.region = `r-${customerId}`;
        note();
        expectedDiary.set(id, "1,");
      } else if (isOrder) {
        const kind = pick(["ItemAdded", "ItemAdded", "ItemRemoved", "Placed", "Cancelled"] as const);
        const priceCents = BigInt(Math.floor(random() * 100));
        const item = { itemId: `i${version}`, priceCents };
        made.push(recordOf(orderEvent(kind, id, version, kind === "ItemAdded" ? { item } : {}), version));
        const row = rowFor(customers.get(id) as string);
        if (kind === "ItemAdded") {
          row.items += 1n;
          cents.set(id, (cents.get(id) ?? 0n) + priceCents);
        }
        if (kind === "Placed") {
          row.placed += 1n;
          row.totalCents += cents.get(id) ?? 0n;
        }
        if (kind !== "Cancelled") note();
        if (kind === "Placed") expectedDiary.delete(id);
        else if (kind !== "Cancelled") expectedDiary.set(id, `${expectedDiary.get(id) ?? ""}${version},`);
      } else {
        const kind = version === 1n ? "Created" : pick(["Updated", "Updated", "Locked", "Snapshot"] as const);
        const body = pick(CUSTOMERS);
        made.push(
          recordOf(testEvent(kind, id, version, kind === "Created" || kind === "Updated" ? { body } : {}), version),
        );
        if (kind === "Created" || kind === "Updated") {
          rowFor(body).testEvents += 1n;
          note();
        }
      }
    }
    await store.save(streamId, made);
    stream.records = [...stream.records, ...made];
    const last = stream.records.at(-1)?.version ?? 0n;
    for (const [i, { version }] of made.entries()) {
      if (random() < 0.1) continue;
      const records = random() < 0.7 ? [made[i] as StoredRecord] : undefined;
      bells.push({
        streamId,
        version: random() < 0.8 ? version : last,
        kind: random() < 0.05 ? "gone" : "saved",
        records,
      });
    }
  };

  const ring = (): void => {
    const batch = Array.from({ length: Math.min(bells.length, 1 + Math.floor(random() * 10)) }, () => {
      const i = random() < 0.7 ? 0 : Math.floor(random() * bells.length);
      return (random() < 0.1 ? [bells[i]] : bells.splice(i, 1))[0] as Doorbell;
    });
    const worker = random() < 0.02 ? makeWorker() : pick(workers);
    rings.push(
      worker.deliver(batch).then(({ failures }) => {
        if (random() < 0.8) bells.push(...failures.map(({ doorbell }) => doorbell));
      }),
    );
  };

  const catchUp =
    random() < 0.5
      ? pick(workers)
          .catchUp({ pageSize: 7, segments: 3 })
          .catch(() => undefined)
      : undefined;
  for (let step = 0; step < run.streams * 4; step++) {
    await write(pick(streams));
    if (random() < 0.5) ring();
    if (random() < 0.2) await Promise.all(rings.splice(0));
  }
  while (bells.length > 0) {
    ring();
    if (rings.length > 8) await Promise.all(rings.splice(0));
  }
  await Promise.all(rings);
  await catchUp;

  run.heal();
  // Without the workers' time limits, which a busy machine exceeds.
  await new Subscriptions({ store, opaqueStore, all }).catchUp({ pageSize: 13 });

  const found = new Map<string, string | undefined>();
  const expected = new Map<string, string | undefined>();
  const rows = modelRows(opaqueStore, subscriptionId(sales()));
  for (const customer of CUSTOMERS) {
    const row = expectedRows.get(customer);
    expected.set(customer, row && bytesOf(row));
    found.set(customer, await rowOf(rows, customer));
  }
  const compareLines = async (model: string, key: string, versions: string | undefined): Promise<void> => {
    const line = versions && create(CustomerSalesSchema, { customerId: key, region: versions });
    expected.set(`${model} ${key}`, line ? bytesOf(line) : undefined);
    found.set(`${model} ${key}`, await rowOf(modelRows(opaqueStore, model), key));
  };
  for (const { streamId, id } of streams) {
    await compareLines("journal@1", streamId, expectedJournal.get(streamId));
    await compareLines("diary@1", id, expectedDiary.get(id));
  }
  return { events, expected, found, counts };
}

/** Wraps a store or its rows: calls fail now and then, before or after they have done what they should. */
export function withFaults<T extends object>(
  target: T,
  random: () => number,
  isFaulty: () => boolean,
  share = 0.08,
): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== "function") return value;
      if (name === "events") return value.bind(object);
      return async (...args: unknown[]) => {
        if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
        const fate = isFaulty() && random() < share ? (random() < 0.5 ? "before" : "after") : "none";
        if (fate === "before") throw failure(String(name), "not_applied");
        const result: unknown = await value.apply(object, args);
        if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
        if (fate === "after") throw failure(String(name), "unknown");
        return result;
      };
    },
  });
}

function failure(operation: string, outcome: "not_applied" | "unknown"): ProtosourceError {
  return new ProtosourceError("unavailable", "injected", { operation, reasons: ["injected"], outcome });
}
