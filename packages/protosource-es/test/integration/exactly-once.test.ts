/** One outcome per command, whatever gets lost on the way: on each engine, in each layout. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import {
  isProtosourceError,
  ProtosourceError,
  Repository,
  type RepositoryOptions,
  type RepositoryStore,
} from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables, type TimeLimits } from "protosource-es/dynamodb";
import { MemoryStore } from "protosource-es/memory";
import { SqliteStore } from "protosource-es/sqlite";
import { type Fate, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleProgram } from "../bundle.js";
import { behindProxy, engines, freshTables } from "../engines.js";
import { failure } from "../failure.js";
import { defineOrder, type OrderTypes, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../order.js";
import { testFolder } from "./sqlite/drivers.js";

const WRITES = new Set(["PutItem", "TransactWriteItems"]);
const FROZEN = { now: () => 1_700_000_000_000_000n };
const WRITERS = 2;
const TIMES = 500;

/** Limits so short that a store gives up several times while the outage lasts. */
const HASTY: TimeLimits = { attemptMs: 300, totalMs: 400 };
const OUTAGE_MS = 800;

const create = orderCommands.Create({ customerId: "c-9" });
const plusOne = orderCommands.AddTag({ tag: { key: "count", value: "+1" } });
const unique = defineOrder({ unique: { customer: ({ customerId }) => customerId } });

/** Something to apply, to an order that is there or to a new one. */
interface Given {
  readonly name: string;
  /** How many `+1`; a creation by default. */
  readonly times?: number;
  readonly isNamed?: boolean;
  readonly options?: RepositoryOptions;
  readonly definition?: typeof order;
}

const commands: readonly Given[] = [
  { name: "one command", times: 1 },
  { name: "one command with its rows", times: 1, options: { materialize: "transactional" } },
  { name: "several commands", times: 3 },
  { name: "a command that is known again", times: 1, isNamed: true },
  { name: "a command that takes a value", definition: unique },
];

type Open = (options?: RepositoryOptions, definition?: typeof order) => Repository<OrderTypes>;

/** Applies what is given once, and gives the number of events that it left. */
async function eventsOf({ times, isNamed, options, definition }: Given, id: string, open: Open): Promise<number> {
  const orders = open(options, definition);
  const commandId = isNamed ? `m-${id}` : undefined;
  if (times === undefined) {
    await orders.apply(orderCommands.Create({ customerId: id }), { id, actor: "ann", commandId });
    return (await open().history(id)).length;
  }
  const { repeated } = await orders.apply(Array(times).fill(plusOne), { id, actor: "ann", commandId });
  expect(repeated).toBe(false);
  return (await open().history(id)).length - 1;
}

const layouts = engines.flatMap((engine) =>
  (["compatible", "packed"] as const).map((layout) => ({ engine, layout, name: `${engine.name}, ${layout}` })),
);
const variants = layouts.flatMap((variant) => [
  { ...variant, fastPath: true },
  { ...variant, fastPath: false, name: `${variant.name}, without the fast path` },
]);

describe.each(variants)("on $name", async ({ engine, layout, fastPath }) => {
  const { eventsTable, aggregatesTable, proxy, client } = await behindProxy(engine);
  let ids = 0;
  let id: string;

  const connect = (timeLimits?: TimeLimits) => {
    const options = { clock: FROZEN, timeLimits, fastPath };
    const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable, ...options });
    return new DynamoDBStore(client, { eventsTable, opaqueStore, layout, ...options });
  };
  /** Opens a repository whose store reads patiently, and writes as the limits say. */
  const open = (options: RepositoryOptions = {}, definition = order, timeLimits?: TimeLimits) => {
    const reading = connect();
    const writing = connect(timeLimits);
    const store: RepositoryStore = {
      packs: reading.packs,
      load: reading.load.bind(reading),
      loadTail: reading.loadTail.bind(reading),
      findClaim: reading.findClaim.bind(reading),
      saveAggregate: reading.saveAggregate.bind(reading),
      save: writing.save.bind(writing),
      saveAll: writing.saveAll.bind(writing),
    };
    return new Repository(definition, store, { clock: FROZEN, ...options });
  };
  const newId = async ({ times }: Given): Promise<string> => {
    const fresh = `o-${ids++}`;
    if (times !== undefined) await open().apply(create, { id: fresh, actor: "ann" });
    return fresh;
  };

  beforeEach(async () => {
    id = await newId({ name: "", times: 0 });
  });

  // What the others come to is read the same way with the fast path and without.
  const fates = ["lose answer", "fail after", "reset"] as const satisfies readonly Fate[];
  describe.each(fastPath ? fates : fates.slice(0, 1))("%s, once", (fate) => {
    test.each(commands)("$name", async (given) => {
      const target = await newId(given);
      let left = 1;
      proxy.decide(({ operation }) => (WRITES.has(operation) && left-- > 0 ? fate : "pass"));
      expect(await eventsOf(given, target, open)).toBe(given.times ?? 1);
      expect(left).toBeLessThan(1);
    });
  });

  if (!fastPath) return;

  test("no answer for longer than the store tries", async () => {
    const targets = await Promise.all(commands.map(newId));
    const since = new Map<string, number>();
    const lost = new Set<string>();
    proxy.decide(({ operation, body }) => {
      const sent = JSON.stringify(body);
      const target = targets.find((one) => sent.includes(`#${one}"`));
      if (target === undefined) return "pass";
      if (WRITES.has(operation) && !since.has(target)) since.set(target, performance.now());
      if (!(performance.now() - (since.get(target) ?? Number.NaN) < OUTAGE_MS)) return "pass";
      if (!WRITES.has(operation)) return "reset";
      lost.add(target);
      return "lose answer";
    });
    const events = commands.map((given, i) =>
      eventsOf(given, targets[i] as string, (options, definition) => open(options, definition, HASTY)),
    );
    expect(await Promise.all(events)).toEqual(commands.map(({ times }) => times ?? 1));
    expect(lost.size).toBe(commands.length);
  });

  test("a command that stays unknown is known again later", async () => {
    // The lookup of the command id is a GetItem, too, so that it passes until the save.
    let isSaving = false;
    proxy.decide(({ operation }) => {
      isSaving ||= WRITES.has(operation);
      if (!isSaving) return "pass";
      return WRITES.has(operation) ? "lose answer" : "reset";
    });
    const options = { id, actor: "ann", commandId: `late-${id}` };
    const error = await failure(open({}, order, { attemptMs: 150, totalMs: 150 }).apply(plusOne, options));
    expect(isProtosourceError(error, "unavailable") && error.details.outcome).toBe("unknown");
    proxy.decide(() => "pass");
    expect(await open().apply(plusOne, options)).toMatchObject({ repeated: true, version: 2n });
    expect(await open().history(id)).toHaveLength(2);
  });

  test("two users who register one address: one wins, and the address is free once it is given back", async () => {
    const [one, two] = [open({}, unique), open({}, unique)];
    const customer = `address of ${id}`;
    const outcomes = await Promise.allSettled(
      [one, two].map((users, i) =>
        users.apply(orderCommands.Create({ customerId: customer }), { id: `${id}-${i}`, actor: "ann" }),
      ),
    );
    const winner = outcomes.findIndex(({ status }) => status === "fulfilled");
    const loser = 1 - winner;
    expect(outcomes[loser]).toMatchObject({
      reason: { code: "claim_taken", details: { owner: `example_app_order_v1#${id}-${winner}` } },
    });
    expect(await one.history(`${id}-${loser}`)).toEqual([]);

    const tagged = defineOrder({ unique: { tag: ({ tags }) => Object.keys(tags).map((key) => `${key} of ${id}`) } });
    const [a, b] = [`${id}-a`, `${id}-b`];
    const tags = open({}, tagged);
    await tags.apply([create, plusOne], { id: a, actor: "ann" });
    expect(await failure(tags.apply([create, plusOne], { id: b, actor: "bob" }))).toMatchObject({
      code: "claim_taken",
    });
    await tags.apply(orderCommands.RemoveTag({ key: "count" }), { id: a, actor: "ann" });
    await tags.apply([create, plusOne], { id: b, actor: "bob" });
  });

  test("one command id, sent by eight clients at once: carried out once", async () => {
    const options = { id, actor: "ann", commandId: `many-${id}` };
    const all = await Promise.all(Array.from({ length: 8 }, () => open({ retries: 50 }).apply(plusOne, options)));
    expect(all.filter(({ repeated }) => !repeated)).toHaveLength(1);
    expect(await open().history(id)).toHaveLength(2);
  });
});

const folder = testFolder();
afterAll(() => folder.remove());

describe.each([
  ["in memory", () => new MemoryStore({ clock: FROZEN })],
  ["in SQLite", () => new SqliteStore(folder.open("once.db"), { clock: FROZEN })],
] as const)("%s", (_, openStore) => {
  /** A store that says unknown of its first saves, whether they were carried out or not. */
  const doubtful = (fates: ("lose answer" | "fail before")[]) => {
    const inner = openStore();
    const doubting = async (save: () => Promise<void>, commitId: Uint8Array) => {
      const fate = fates.shift();
      if (fate !== "fail before") await save();
      if (fate === undefined) return;
      const details = { operation: "save", reasons: [fate], outcome: "unknown", commitId } as const;
      throw new ProtosourceError("unavailable", "nobody knows", details);
    };
    const withId = <O extends { commitId?: Uint8Array | undefined }>(options: O = {} as O) => ({
      ...options,
      commitId: options.commitId ?? crypto.getRandomValues(new Uint8Array(8)),
    });
    const store: RepositoryStore = {
      load: inner.load.bind(inner),
      findClaim: inner.findClaim.bind(inner),
      saveAggregate: inner.saveAggregate.bind(inner),
      save(streamId, records, given) {
        const options = withId(given);
        return doubting(() => inner.save(streamId, records, options), options.commitId);
      },
      saveAll(writes, given) {
        const options = withId(given);
        return doubting(() => inner.saveAll(writes, options), options.commitId);
      },
    };
    const open: Open = (options, definition = order) =>
      new Repository(definition, store, { clock: FROZEN, ...options });
    return open;
  };
  let ids = 0;

  test.each(
    commands.flatMap((given) =>
      ([["lose answer"], ["fail before"], ["lose answer", "lose answer", "fail before"]] as const).map(
        (fates) => [given.name, fates.join(", "), given, [...fates]] as const,
      ),
    ),
  )("%s: %s", async (_name, _fates, given, fates) => {
    const id = `o-${ids++}`;
    const left: ("lose answer" | "fail before")[] = [];
    const open = doubtful(left);
    if (given.times !== undefined) await open().apply(create, { id, actor: "ann" });
    left.push(...fates);
    expect(await eventsOf(given, id, open)).toBe(given.times ?? 1);
    expect(left).toEqual([]);
  });

  test("a value that is taken after a doubt leaves it open whether the save will be stored", async () => {
    const left: ("lose answer" | "fail before")[] = [];
    const open = doubtful(left);
    const given = orderCommands.Create({ customerId: "the address" });
    left.push("fail before");
    const applying = open({}, unique).apply(given, { id: "loser", actor: "ann" });
    await open({}, unique).apply(given, { id: "winner", actor: "ann" });
    expect(await failure(applying)).toMatchObject({ code: "unavailable", details: { outcome: "unknown" } });
  });
});

const local = engines.find(({ name }) => name === "dynoxide") ?? engines[0];

const program = folder.path("counting-writer.mjs");
beforeAll(() => bundleProgram(new URL("counting-writer.ts", import.meta.url), program));

describe.concurrent.each(["compatible", "packed"] as const)("two processes before one engine, %s", (layout) => {
  test("of 500 equal commands each, with a clock that stands still and lost answers, leave 1000 events", async () => {
    const engine = local as NonNullable<typeof local>;
    const { eventsTable, aggregatesTable } = freshTables();
    const client = engine.client();
    await ensureTables(client, { eventsTable, aggregatesTable });
    const store = new DynamoDBStore(client, { eventsTable, layout, clock: FROZEN });
    const orders = new Repository(order, store, { clock: FROZEN, materialize: "off" });
    await orders.apply(create, { id: "counter", actor: "ann" });

    const proxy = await startFaultProxy(engine.endpoint, { keepRequests: false });
    let writes = 0;
    let lost = 0;
    proxy.decide(({ operation }) => {
      if (!WRITES.has(operation) || ++writes % 20 !== 0) return "pass";
      lost++;
      return lost % 2 === 0 ? "lose answer" : "fail after";
    });
    const writers = Array.from({ length: WRITERS }, () =>
      spawn(process.execPath, [program, proxy.endpoint, eventsTable, aggregatesTable, layout, String(TIMES)], {
        stdio: ["pipe", "pipe", "inherit"],
      }),
    );
    const lines = writers.map(({ stdout }) => createInterface({ input: stdout }));
    await Promise.all(lines.map((reader) => once(reader, "line")));
    const ends = writers.map((writer) => once(writer, "close"));
    for (const { stdin } of writers) stdin.end("go");
    expect((await Promise.all(ends)).map(([code]) => code)).toEqual(writers.map(() => 0));
    await proxy.close();

    const history = await orders.history("counter");
    expect(history).toHaveLength(1 + WRITERS * TIMES);
    console.info(`${layout}: ${writes} writes for ${WRITERS * TIMES} commands, ${lost} answers lost`);
    client.destroy();
  }, 180_000);
});
