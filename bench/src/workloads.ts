/** What is measured: a call, how often it is made in a slice, and what must come of it. */
import type { Answer, ApplyMode, Contender } from "./contender.js";
import { orderEvents, type Texts } from "./sample.js";

/** One call. It gives what was read or, for an append that must be refused, how many events were taken. */
export type Call = () => Promise<Answer | undefined>;

export interface Workload {
  readonly name: string;
  /** The stream that it needs, written before. */
  readonly stream?: Shape;
  /** The calls of one slice: some 100 milliseconds of them, so that each pays for the garbage it makes. */
  readonly calls: number;
  /** Tells whether a store takes part. */
  fits(contender: Contender): boolean;
  /** Prepares the calls of a slice, unmeasured. */
  prepare(contender: Contender, seeded: SeededStreams, calls: number): Promise<readonly Call[]>;
  /** What each call must give. */
  readonly expected: Answer | undefined;
}

/** What a stream is like that was written before. */
export interface Shape {
  readonly length: number;
  readonly texts: Texts;
}

/** Gives the id of the stream of a shape that was written before. */
export type SeededStreams = (shape: Shape) => string;

/** The workloads for stores on DynamoDB. */
const DYNAMODB_WORKLOADS: readonly Workload[] = [
  append(1, 80),
  append(5, 30),
  append(250, 3),
  conflict(40),
  ...[10, 100, 1000, 8000].flatMap((length) => [load("records", length), load("events", length)]),
  append(250, 3, "distinct"),
  load("events", 1000, "distinct"),
  load("events", 8000, "distinct"),
  tail(50, 8000, 60),
  ...(["off", "best-effort", "transactional"] as const).flatMap((materialize) => [
    apply({ warm: false, materialize }, 20),
    apply({ warm: true, materialize }, 20),
  ]),
];

/** How many orders there are to rebuild, and how many events each has. */
export const REBUILT = { orders: 40, events: 20 } as const;

/** The workloads for tables that hold nothing but orders to rebuild. */
const REBUILD_WORKLOADS: readonly Workload[] = [rebuild()];

/** The workloads for stores in an SQLite file. */
const EMBEDDED_WORKLOADS: readonly Workload[] = [
  append(1, 40),
  append(5, 20),
  append(250, 2),
  load("events", 10),
  load("events", 100),
  load("events", 1000),
];

/** What workloads need: stores on DynamoDB, tables with nothing but orders to rebuild, or stores in a file. */
export type Kind = "dynamoDB" | "rebuild" | "embedded";

/** All workloads. */
export const WORKLOADS: Readonly<Record<Kind, readonly Workload[]>> = {
  dynamoDB: DYNAMODB_WORKLOADS,
  rebuild: REBUILD_WORKLOADS,
  embedded: EMBEDDED_WORKLOADS,
};

/** The shapes of the streams that workloads need, each once. */
export function shapesOf(workloads: readonly Workload[]): readonly Shape[] {
  return [...new Map(workloads.flatMap(({ stream }) => (stream ? [[nameOf(stream), stream]] : []))).values()];
}

/** Writes streams of the given shapes, so many events at once. */
export async function seed(contender: Contender, shapes: readonly Shape[], atOnce: number): Promise<SeededStreams> {
  const seeded = new Map<string, string>();
  for (const shape of shapes) {
    const { length, texts } = shape;
    const id = crypto.randomUUID();
    for (let from = 1; from <= length; from += atOnce) {
      await contender.append(id, from, orderEvents(id, from, Math.min(atOnce, length - from + 1), texts));
    }
    seeded.set(nameOf(shape), id);
  }
  return (shape) => {
    const id = seeded.get(nameOf(shape));
    if (id === undefined) throw new Error(`there is no stream of ${nameOf(shape)}`);
    return id;
  };
}

function nameOf({ length, texts }: Shape): string {
  return `${length} events, texts ${texts}`;
}

/** How a workload's name tells of its texts. */
function suffixOf(texts: Texts): string {
  return texts === "distinct" ? ", distinct texts" : "";
}

function append(count: number, calls: number, texts: Texts = "alike"): Workload {
  return {
    name: `append ${count}${suffixOf(texts)}`,
    calls,
    fits: () => true,
    async prepare(contender, _, calls) {
      const id = crypto.randomUUID();
      await contender.append(id, 1, orderEvents(id, 1, 1, texts));
      return Array.from({ length: calls }, (_, i) => {
        const from = 2 + i * count;
        const events = orderEvents(id, from, count, texts);
        return async () => {
          await contender.append(id, from, events);
          return undefined;
        };
      });
    },
    expected: undefined,
  };
}

/** An append to a stream that has grown by five events since its writer read it. */
function conflict(calls: number): Workload {
  const stream: Shape = { length: 10, texts: "alike" };
  return {
    name: "conflict",
    stream,
    calls,
    fits: (contender) => contender.refuses,
    async prepare(contender, seeded, calls) {
      const id = seeded(stream);
      const events = orderEvents(id, 6, 1, stream.texts);
      return Array.from({ length: calls }, () => async () => {
        const refused = await contender.append(id, 6, events).then(
          () => false,
          () => true,
        );
        return { count: refused ? 0 : 1, last: 0 };
      });
    },
    expected: { count: 0, last: 0 },
  };
}

function load(what: "records" | "events", length: number, texts: Texts = "alike"): Workload {
  const stream: Shape = { length, texts };
  return {
    name: `load ${length} to ${what}${suffixOf(texts)}`,
    stream,
    calls: length <= 100 ? 60 : Math.ceil(20_000 / length),
    fits: (contender) => what === "events" || contender.loadRecords !== undefined,
    async prepare(contender, seeded, calls) {
      const id = seeded(stream);
      const call: Call = what === "events" ? () => contender.loadEvents(id) : async () => contender.loadRecords?.(id);
      return Array.from({ length: calls }, () => call);
    },
    expected: { count: length, last: length },
  };
}

function tail(n: number, length: number, calls: number): Workload {
  const stream: Shape = { length, texts: "alike" };
  return {
    name: `tail ${n} of ${length}`,
    stream,
    calls,
    fits: (contender) => contender.tail !== undefined,
    async prepare(contender, seeded, calls) {
      const id = seeded(stream);
      return Array.from({ length: calls }, () => async () => contender.tail?.(id, n, length));
    },
    expected: { count: n, last: length },
  };
}

/** How many events an order has to which commands are applied. With the calls it stays below the next snapshot's. */
const EVENTS_BEFORE = 20;

/** A command for an order of some 20 to 40 events, without a snapshot. */
function apply(mode: ApplyMode, calls: number): Workload {
  return {
    name: `apply ${mode.warm ? "warm" : "cold"}, rows ${mode.materialize}`,
    calls,
    fits: (contender) => contender.applier !== undefined,
    async prepare(contender, _, calls) {
      const apply = contender.applier?.(mode);
      const id = crypto.randomUUID();
      await contender.append(id, 1, orderEvents(id, 1, EVENTS_BEFORE, "alike"));
      await apply?.(id, "1 First Street");
      let version = EVENTS_BEFORE + 1;
      return Array.from({ length: calls }, (_, i) => async () => {
        const came = await apply?.(id, `${i} Second Street`);
        version++;
        return { count: came === version ? 1 : 0, last: 0 };
      });
    },
    expected: { count: 1, last: 0 },
  };
}

/** Rows of all orders, which are right already: who compares first has nothing to write. */
function rebuild(): Workload {
  return {
    name: `rebuild ${REBUILT.orders} orders`,
    calls: 1,
    fits: (contender) => contender.rebuild !== undefined,
    async prepare(contender, _, calls) {
      return Array.from({ length: calls }, () => async () => ({ count: (await contender.rebuild?.()) ?? 0, last: 0 }));
    },
    expected: { count: REBUILT.orders, last: 0 },
  };
}
