/**
 * Concurrent histories: clients that read and write the same streams at once, and what makes such a history right.
 *
 * A stream is a list that is only appended to. A history of it is linearizable when the acknowledged writes are in it
 * once, in an order that agrees with time; refused ones aren't; those of unknown outcome are, at most once and whole;
 * and each read gives a beginning of the list that ends behind a write, no shorter than what was acknowledged or read
 * before it began, and without anything that began after it ended.
 *
 * Beyond single streams, all calls together must have one order that agrees with time and with the streams, in which
 * each check of another stream holds when its write happens, each value is taken only while it is free or the taker's
 * own, and each answer about a value's owner is right. A command of one id takes effect once at most, and everybody
 * who is told of it is told the same.
 */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  type AggregateStore,
  type Claim,
  type ClaimingStore,
  isProtosourceError,
  Repository,
  type SnapshotTailStore,
  type Store,
  type StreamCheck,
  type StreamingStore,
  type StreamWrite,
  type TransactionalStore,
} from "protosource-es";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { type OrderTypes, orderCommands } from "./gen/example/app/order/v1/order_v1_protosource.js";
import { type Call, canBeOrdered } from "./linearize.js";
import { order } from "./order.js";

/** Rows that couldn't be written are no matter of these tests. */
const QUIET = { warn(): void {} };

export type HistoryStore = Store &
  SnapshotTailStore &
  TransactionalStore &
  ClaimingStore &
  AggregateStore &
  Partial<StreamingStore>;

/** A client of a store. */
export interface HistoryClient {
  readonly store: HistoryStore;
  /** Leaves it as a process does that ends in the middle of something. */
  drop(): void;
}

/** What a client does to streams: `check` is a save that reads another stream, `command` an apply with an id. */
const WRITES = ["save", "saveAll", "check", "take", "free", "apply", "command"] as const;

const READS = ["load", "loadTail", "events", "history", "owner"] as const;

/** One call of a client. `stream` is 0 or 1, and the value of a claim too; `count` is a number of records. */
export interface Step {
  readonly call: (typeof WRITES)[number] | (typeof READS)[number];
  readonly stream: 0 | 1;
  readonly count: number;
  /** Turns of the event loop before the call. */
  readonly pause: number;
  /** Drops the client in the middle of a write. One that named its command sends it again after that. */
  readonly drops: boolean;
  /** Aborts the call by its signal after some turns. */
  readonly aborts: boolean;
}

/** What each of the clients does, one call after another. */
export type Plan = readonly (readonly Step[])[];

/** Any plan. */
export const plans: fc.Arbitrary<Plan> = fc.array(
  fc.array(
    fc.record<Step>({
      call: fc.constantFrom(...WRITES, ...READS),
      stream: fc.constantFrom(0, 1),
      count: fc.integer({ min: 1, max: 4 }),
      pause: fc.integer({ min: 0, max: 3 }),
      drops: fc.nat({ max: 5 }).map((n) => n === 5),
      aborts: fc.nat({ max: 5 }).map((n) => n === 5),
    }),
    { minLength: 1, maxLength: 7 },
  ),
  { minLength: 2, maxLength: 3 },
);

interface Write {
  readonly name: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly check: StreamCheck | undefined;
  readonly claim: Claim | undefined;
  readonly begun: number;
  /** When it was acknowledged. */
  ended: number;
  /** The strongest of what its callers heard. */
  outcome: Outcome;
}

type Outcome = "refused" | "unknown" | "stored";

/** What leaves no doubt that nothing was stored. Only a call that is aborted is cancelled. */
const REFUSALS = ["version_conflict", "not_created", "cancelled"] as const;

const STRENGTH: readonly Outcome[] = ["refused", "unknown", "stored"];

interface Read {
  readonly stream: string;
  readonly begun: number;
  readonly ended: number;
  /** The names of the writes of the records, from version `first` on. */
  readonly names: readonly string[];
  readonly first: number;
}

/** An answer about whom a value belongs to; undefined for nobody. */
interface Ownership {
  readonly value: string;
  readonly owner: string | undefined;
  readonly begun: number;
  readonly ended: number;
}

/** What somebody was told of a command. */
interface Answer {
  readonly name: string;
  readonly stream: string;
  readonly version: bigint;
  readonly repeated: boolean;
}

/** What the clients of one plan have done and heard. */
interface Heard {
  readonly writes: Write[];
  readonly reads: Read[];
  readonly owners: Ownership[];
  readonly answers: Answer[];
  readonly problems: string[];
}

/** A write that is about to be sent. */
interface Sending extends Pick<Write, "name" | "counts">, Partial<Pick<Write, "check" | "claim">> {
  readonly send: (signal: AbortSignal) => Promise<unknown>;
}

let plansRun = 0;

/** Carries a plan out, and gives what is wrong with the history: nothing, if all is well. */
export async function runPlan(plan: Plan, open: () => HistoryClient): Promise<readonly string[]> {
  const run = `${plansRun++}-${crypto.randomUUID()}`;
  const raw = [`history_v1#${run}-a`, `history_v1#${run}-b`] as const;
  const orders = [`${run}-c`, `${run}-d`] as const;
  const owners = plan.map((_, client) => `history_v1#${run}-owner${client}`);
  const heard: Heard = { writes: [], reads: [], owners: [], answers: [], problems: [] };
  const { writes, reads, problems } = heard;
  const left: Promise<unknown>[] = [];
  let time = 0;

  const write = async ({ name, counts, check, claim, send }: Sending, signal: AbortSignal): Promise<void> => {
    let entry = writes.find((one) => one.name === name);
    if (entry === undefined) {
      const ended = Number.POSITIVE_INFINITY;
      entry = { name, counts, check, claim, begun: time++, ended, outcome: "refused" };
      writes.push(entry);
    }
    const begun = time++;
    let outcome: Outcome = "refused";
    try {
      await send(signal);
      outcome = "stored";
      entry.ended = Math.min(entry.ended, time++);
    } catch (error) {
      if (isProtosourceError(error, "unavailable")) {
        if (error.details.outcome === "unknown") outcome = "unknown";
      } else if (isProtosourceError(error, "claim_taken") && claim !== undefined) {
        heard.owners.push({ value: claim.value, owner: error.details.owner, begun, ended: time++ });
        // Without a creation, which was out of time, there is nothing to apply a command to.
      } else if (!REFUSALS.some((code) => isProtosourceError(error, code))) {
        problems.push(`${name}: ${String(error)}`);
      }
    }
    entry.outcome = STRENGTH[Math.max(STRENGTH.indexOf(entry.outcome), STRENGTH.indexOf(outcome))] as Outcome;
  };
  const read = async (stream: string, names: () => Promise<{ names: string[]; first: number }>): Promise<void> => {
    const begun = time++;
    const found = await names();
    reads.push({ stream, begun, ended: time++, ...found });
  };

  const runClient = async (steps: readonly Step[], client: number): Promise<void> => {
    const owner = owners[client] as string;
    let { store, drop } = open();
    let repository = new Repository(order, store, { logger: QUIET });

    const append = async (name: string, aggregateId: string, count: number): Promise<StreamWrite> => {
      const end = await endOf(store, aggregateId);
      const data = new TextEncoder().encode(name);
      const records = Array.from({ length: count }, (_, i) =>
        create(StoredRecordSchema, { version: end + BigInt(i) + 1n, data }),
      );
      return { aggregateId, records };
    };
    /** Reads what a write depends on, and gives the write. */
    const prepare = async ({ call, stream, count, pause }: Step, name: string): Promise<Sending> => {
      const { saveAll, save } = store;
      const sending = (
        saved: readonly StreamWrite[],
        options: { check?: StreamCheck; claim?: Claim } = {},
      ): Sending => {
        const { check, claim } = options;
        const counts = new Map(saved.map(({ aggregateId, records }) => [aggregateId, records.length]));
        const transaction = { check: check && [check], claims: claim && [claim] };
        return { name, counts, ...options, send: (signal) => saveAll.call(store, saved, { ...transaction, signal }) };
      };
      const id = raw[stream];
      switch (call) {
        case "saveAll":
          return sending([await append(name, raw[0], count), await append(name, raw[1], 1)]);
        case "check": {
          const other = raw[1 - stream] as string;
          const check = { aggregateId: other, version: await endOf(store, other) };
          // The stream may go on before the save.
          await turns(pause);
          return sending([await append(name, id, count)], { check });
        }
        case "take":
        case "free": {
          const claim = { scope: run, value: `${stream}`, owner, release: call === "free" };
          return sending([await append(name, owner, 1)], { claim });
        }
        case "apply":
        case "command": {
          const target = orders[stream];
          const shared = `command ${count} of ${stream}`;
          const commandId = call === "command" ? `${run} ${shared}` : undefined;
          const tag = call === "command" ? shared : name;
          const { repository: applying } = { repository };
          return {
            name: tag,
            counts: new Map([[target, 1]]),
            send: async (signal) => {
              const { version, repeated } = await apply(applying, target, tag, { commandId, signal });
              if (commandId !== undefined) heard.answers.push({ name: tag, stream: target, version, repeated });
            },
          };
        }
        default: {
          const one = await append(name, id, count);
          const counts = new Map([[id, count]]);
          return { name, counts, send: (signal) => save.call(store, id, one.records, { signal }) };
        }
      }
    };
    const look = async ({ call, stream, count }: Step): Promise<void> => {
      const id = raw[stream];
      if (call === "load") return read(id, async () => namesOf((await store.load(id)).records));
      if (call === "history") {
        const target = orders[stream];
        return read(target, async () => ({ names: await tags(repository, target), first: 1 }));
      }
      if (call === "owner") {
        const value = `${stream}`;
        const begun = time++;
        const claim = await store.findClaim(run, value);
        heard.owners.push({ value, owner: claim?.owner, begun, ended: time++ });
        return;
      }
      const { events } = store;
      if (call === "loadTail" || events === undefined) {
        return read(id, async () => namesOf((await store.loadTail(id, count)).records));
      }
      return read(id, async () => {
        const records: StoredRecord[] = [];
        for await (const record of events.call(store, id)) records.push(record);
        return namesOf(records);
      });
    };

    for (const [number, step] of steps.entries()) {
      await turns(step.pause);
      const name = `${client}.${number}`;
      try {
        if (isRead(step)) {
          await look(step);
          continue;
        }
        const aborting = new AbortController();
        const sent = write(await prepare(step, name), aborting.signal);
        if (step.aborts) void turns(step.count).then(() => aborting.abort());
        if (!step.drops) {
          await sent;
          continue;
        }
        left.push(sent);
        await turns(step.pause * step.count);
        drop();
        ({ store, drop } = open());
        repository = new Repository(order, store, { logger: QUIET });
        if (step.call === "command") await write(await prepare(step, name), new AbortController().signal);
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
  const repository = new Repository(order, store, { logger: QUIET });
  const stored = new Map<string, readonly string[]>();
  for (const id of [...raw, ...owners]) stored.set(id, namesOf((await patiently(() => store.load(id))).records).names);
  for (const id of orders) stored.set(id, await patiently(() => tags(repository, id)));
  drop();
  for (const [id, names] of stored) problems.push(...check(id, names, writes, reads));
  if (problems.length === 0) problems.push(...checkTogether(stored, heard));
  return problems;
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve));
}

function isRead({ call }: Step): boolean {
  return (READS as readonly string[]).includes(call);
}

async function endOf(store: HistoryStore, stream: string): Promise<bigint> {
  return (await store.loadTail(stream, 1)).records.at(-1)?.version ?? 0n;
}

function namesOf(records: readonly StoredRecord[]): { names: string[]; first: number } {
  return {
    names: records.map(({ data }) => new TextDecoder().decode(data)),
    first: Number(records[0]?.version ?? 1n),
  };
}

async function apply(
  repository: Repository<OrderTypes>,
  id: string,
  name: string,
  { commandId, signal }: { readonly commandId: string | undefined; readonly signal: AbortSignal },
): Promise<{ readonly version: bigint; readonly repeated: boolean }> {
  const options = { id, actor: "a", signal };
  await repository.apply(orderCommands.Create({ customerId: "c" }), options).catch((error: unknown) => {
    if (!isProtosourceError(error, "already_created") && !isProtosourceError(error, "unavailable")) throw error;
  });
  const tag = orderCommands.AddTag({ tag: { key: "k", value: name } });
  return repository.apply(tag, { ...options, commandId });
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

/** What the calls together have come to: the end of each stream, and the owner of each value. */
interface State {
  readonly ends: Readonly<Record<string, number>>;
  readonly owners: Readonly<Record<string, string | undefined>>;
}

/** Gives what is wrong with the calls together, where each stream alone is right. */
function checkTogether(stored: ReadonlyMap<string, readonly string[]>, heard: Heard): string[] {
  const { writes, reads, owners, answers } = heard;
  const problems: string[] = [];
  for (const { name, stream, version, repeated } of answers) {
    const own = answers.filter((other) => other.name === name && other.stream === stream);
    const right = BigInt((stored.get(stream) ?? []).indexOf(name) + 1);
    if (version !== right) problems.push(`${name} has version ${right}, and a caller was told ${version}`);
    if (!repeated && own.filter((other) => !other.repeated).length > 1) problems.push(`${name} was new to several`);
  }
  const calls: Call<State>[] = [
    ...[...stored].flatMap(([stream, names]) => (names[0] === "" ? [creationOf(stream)] : [])),
    ...writes.flatMap((write) => callOf(write, stored) ?? []),
    ...reads.map(({ stream, begun, ended, names, first }): Call<State> => {
      const end = first - 1 + names.length;
      return { begun, ended, next: (state) => ((state.ends[stream] ?? 0) === end ? state : undefined) };
    }),
    ...owners.map(
      ({ value, owner, begun, ended }): Call<State> => ({
        begun,
        ended,
        next: (state) => (state.owners[value] === owner ? state : undefined),
      }),
    ),
  ];
  if (!canBeOrdered(calls, { ends: {}, owners: {} }, ({ owners }) => JSON.stringify(owners))) {
    const shown = { stored: [...stored], writes, reads, owners };
    problems.push(`no order explains ${JSON.stringify(shown, (_, value) => asJson(value))}`);
  }
  return problems;
}

function asJson(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  return value instanceof Map ? [...value] : value;
}

/** An order's creation, of which it isn't known whose it was. */
function creationOf(stream: string): Call<State> {
  return {
    begun: 0,
    ended: Number.POSITIVE_INFINITY,
    next: (state) => ((state.ends[stream] ?? 0) === 0 ? { ...state, ends: { ...state.ends, [stream]: 1 } } : undefined),
  };
}

/** What a write that is stored did; undefined for one that isn't. */
function callOf(write: Write, stored: ReadonlyMap<string, readonly string[]>): Call<State> | undefined {
  const { name, counts, check, claim, begun, ended } = write;
  const places = [...counts].map(([stream, count]) => ({
    stream,
    count,
    start: stored.get(stream)?.indexOf(name) ?? -1,
  }));
  if (places.some(({ start }) => start < 0)) return undefined;
  return {
    begun,
    ended,
    next({ ends, owners }) {
      if (places.some(({ stream, start }) => (ends[stream] ?? 0) !== start)) return undefined;
      if (check !== undefined && BigInt(ends[check.aggregateId] ?? 0) !== check.version) return undefined;
      const behind = {
        ...ends,
        ...Object.fromEntries(places.map(({ stream, start, count }) => [stream, start + count])),
      };
      if (claim === undefined) return { ends: behind, owners };
      const owner = owners[claim.value];
      if (claim.release) {
        return { ends: behind, owners: owner === claim.owner ? { ...owners, [claim.value]: undefined } : owners };
      }
      if (owner !== undefined && owner !== claim.owner) return undefined;
      return { ends: behind, owners: { ...owners, [claim.value]: claim.owner } };
    },
  };
}
