/** One outcome per command, whatever gets lost on the way: on each engine, in each layout. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { engineClient } from "@protosource-es/engines";
import { isProtosourceError, Repository, type RepositoryOptions, type RepositoryStore } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables, type TimeLimits } from "protosource-es/dynamodb";
import { type Fate, type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { engines, freshTables } from "../engines.js";
import { failure } from "../failure.js";
import { defineOrder, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../order.js";

const WRITES = new Set(["PutItem", "TransactWriteItems"]);
const FROZEN = { now: () => 1_700_000_000_000_000n };
const WRITERS = 2;
const TIMES = 500;

/** Limits so short that a store gives up several times while the outage lasts. */
const HASTY: TimeLimits = { attemptMs: 300, totalMs: 500 };
const OUTAGE_MS = 1_000;

const create = orderCommands.Create({ customerId: "c-9" });
const plusOne = orderCommands.AddTag({ tag: { key: "count", value: "+1" } });
const unique = defineOrder({ unique: { customer: ({ customerId }) => customerId } });

const variants = engines.flatMap((engine) =>
  (["compatible", "packed"] as const).map((layout) => ({ engine, layout, name: `${engine.name}, ${layout}` })),
);

describe.each(variants)("on $name", ({ engine, layout }) => {
  const { eventsTable, aggregatesTable } = freshTables();
  let proxy: FaultProxy;
  let direct: DynamoDBClient;
  let client: DynamoDBClient;
  let ids = 0;
  let id: string;

  const connect = (timeLimits?: TimeLimits) => {
    const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable, clock: FROZEN, timeLimits });
    return new DynamoDBStore(client, { eventsTable, opaqueStore, layout, clock: FROZEN, timeLimits });
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

  beforeAll(async () => {
    direct = engine.client();
    await ensureTables(direct, { eventsTable, aggregatesTable });
    proxy = await startFaultProxy(engine.endpoint);
    client = engineClient(proxy.endpoint);
  });
  afterAll(async () => {
    client.destroy();
    direct.destroy();
    await proxy.close();
  });
  beforeEach(async () => {
    proxy.decide(() => "pass");
    id = `o-${ids++}`;
    await open().apply(create, { id, actor: "ann" });
  });

  const commands = [
    ["one command", plusOne, {}, order, 1],
    ["one command with its rows", plusOne, { materialize: "transactional" }, order, 1],
    ["several commands", [plusOne, plusOne, plusOne], {}, order, 3],
    ["a command that is known again", plusOne, { commandId: true }, order, 1],
    ["a command that takes a value", orderCommands.Create({ customerId: "new" }), { fresh: true }, unique, 1],
  ] as const;

  const run = async (
    command: (typeof commands)[number][1],
    options: (typeof commands)[number][2],
    definition: typeof order,
    timeLimits?: TimeLimits,
  ) => {
    const { commandId, fresh, ...more } = { commandId: false, fresh: false, ...options };
    const target = fresh ? `new-${id}` : id;
    const repository = open(more, definition, timeLimits);
    const before = (await repository.history(target)).length;
    const given = fresh ? orderCommands.Create({ customerId: target }) : command;
    const applied = await repository.apply(given as never, {
      id: target,
      actor: "ann",
      commandId: commandId ? `m-${id}` : undefined,
    });
    proxy.decide(() => "pass");
    expect(applied.repeated).toBe(false);
    return (await repository.history(target)).length - before;
  };

  describe.each(["lose answer", "fail after", "reset"] as const satisfies readonly Fate[])("%s, once", (fate) => {
    test.each(commands)("%s", async (_, command, options, definition, events) => {
      let left = 1;
      proxy.decide(({ operation }) => (WRITES.has(operation) && left-- > 0 ? fate : "pass"));
      expect(await run(command, options, definition)).toBe(events);
    });
  });

  test.each(commands)(
    "no answer for longer than the store tries: %s",
    async (_, command, options, definition, events) => {
      let lost = 0;
      let since: number | undefined;
      proxy.decide(({ operation }) => {
        if (WRITES.has(operation)) since ??= performance.now();
        if (since === undefined || performance.now() - since > OUTAGE_MS) return "pass";
        lost++;
        return WRITES.has(operation) ? "lose answer" : "reset";
      });
      expect(await run(command, options, definition, HASTY)).toBe(events);
      expect(lost).toBeGreaterThan(1);
    },
  );

  test("a command that stays unknown is known again later", async () => {
    // The lookup of the command id is a GetItem, too, so that it passes until the save.
    let isSaving = false;
    proxy.decide(({ operation }) => {
      isSaving ||= WRITES.has(operation);
      if (!isSaving) return "pass";
      return WRITES.has(operation) ? "lose answer" : "reset";
    });
    const options = { id, actor: "ann", commandId: `late-${id}` };
    const error = await failure(open({}, order, HASTY).apply(plusOne, options));
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

const [local] = engines;

describe.each(["compatible", "packed"] as const)("two processes before one engine, %s", (layout) => {
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
    const program = fileURLToPath(new URL("counting-writer.ts", import.meta.url));
    const args = ["--no-warnings", "--conditions=@protosource-es/source", "--import", "tsx", program];
    const writers = Array.from({ length: WRITERS }, () =>
      spawn(process.execPath, [...args, proxy.endpoint, eventsTable, aggregatesTable, layout, String(TIMES)], {
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
