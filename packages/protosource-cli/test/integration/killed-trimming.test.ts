/**
 * `streams delete` and `streams archive`, killed at random moments: nobody sees a part, nothing is lost, and the same call
 * again completes them and touches nothing else.
 *
 * `KILLS=100 npx vitest run packages/protosource-cli/test/integration/killed-trimming.test.ts` kills each that often.
 */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type EventStore, isProtosourceError, isTombstone, Repository, type ScannedRecord } from "protosource-es";
import { type OpaqueRow, rowKey, type ScannableOpaqueStore } from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Order,
  OrderSchema,
  OrderSummarySchema,
} from "../../../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import {
  type OrderTypes,
  orderCommands,
} from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { resultOf, runCli, startCli } from "../cli.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildDomain, ORDERS } from "../orders.js";

/** How often each command is killed on a file; on an engine, where each takes longer, less often. */
const KILLS = Number(process.env["KILLS"] ?? 4);
/** A call is killed and made again so often before it may come to its end. */
const KILLS_IN_A_ROW = 2;
/** How long it may take a command to begin, in milliseconds. */
const START_MS = 300;
const EVENTS = 120;

interface Opened {
  readonly url: string;
  readonly store: EventStore;
  readonly rows: ScannableOpaqueStore;
}

/** All that is stored of an order, or of all others. */
interface Stored {
  readonly records: readonly ScannedRecord[];
  readonly rows: readonly OpaqueRow[];
  readonly claims: readonly unknown[];
}

const folder = temporaryFolder();
let domain = "";
beforeAll(async () => {
  domain = await buildDomain();
});
afterAll(() => folder.remove());

/** Makes an order with rows, snapshots and a unique value. */
async function makeOrder(store: EventStore, id: string): Promise<void> {
  const orders: Repository<OrderTypes> = new Repository(order, store);
  await orders.apply(orderCommands.Create({ customerId: "c-1" }), { id, actor: "ann" });
  for (let done = 1; done < EVENTS; done += 20) {
    const tags = Array.from({ length: 20 }, (_, i) => orderCommands.AddTag({ tag: { key: `k${done + i}` } }));
    await orders.apply(tags, { id, actor: "ann" });
  }
  await store.saveAll([], { claims: [{ scope: "name", value: id, owner: `${ORDERS}${id}` }] });
}

/** Gives what is stored of one order, and of all others. */
async function storedOf(
  { store, rows }: Opened,
  id: string,
): Promise<{ readonly own: Stored; readonly others: Stored }> {
  const streamId = `${ORDERS}${id}`;
  const keys = [rowKey(OrderSchema, id), rowKey(OrderSummarySchema, id)];
  const records = await allOf(
    (cursor) => store.scan({ cursor }),
    (page) => page.records,
  );
  const allRows = await allOf(
    (cursor) => rows.scan({ cursor }),
    (page) => page.rows,
  );
  const claims = await allOf(
    (cursor) => store.scanClaims({ cursor }),
    (page) => page.claims,
  );
  const part = (isOwn: boolean): Stored => ({
    records: records.filter(({ aggregateId }) => (aggregateId === streamId) === isOwn),
    rows: allRows.filter(({ pk, sk }) => keys.some((key) => key.pk === pk && key.sk === sk) === isOwn),
    claims: claims.filter(({ owner }) => (owner === streamId) === isOwn),
  });
  return { own: part(true), others: part(false) };
}

async function allOf<P extends { readonly cursor?: string | undefined }, T>(
  scan: (cursor: string | undefined) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
): Promise<readonly T[]> {
  const items: T[] = [];
  for (let page: P | undefined; page === undefined || page.cursor !== undefined; ) {
    page = await scan(page?.cursor);
    items.push(...itemsOf(page));
  }
  return items;
}

/** Gives the versions that a backup keeps; none where there is no whole one. */
function versionsKept(backup: string): readonly string[] {
  if (!existsSync(backup)) return [];
  const lines = readFileSync(backup, "utf8").trimEnd().split("\n");
  return lines.flatMap((line) => (JSON.parse(line) as { event?: { version: string } }).event?.version ?? []);
}

const load = ({ store }: Opened, id: string): Promise<Order | string> =>
  new Repository(order, store).load(id).catch((error: unknown) => {
    if (isProtosourceError(error, "not_found")) return error.details.reason;
    throw error;
  });

/** What each command leaves, once it came to its end. */
const commands = {
  delete: {
    more: [],
    check(before: Stored, after: Stored, kept: readonly string[]): void {
      expect(after.records.map(({ record }) => isTombstone(record))).toEqual([true]);
      expect([after.rows, after.claims]).toEqual([[], []]);
      expect(kept).toHaveLength(before.records.length);
    },
  },
  archive: {
    more: ["--without-go"],
    check(before: Stored, after: Stored, kept: readonly string[]): void {
      expect(after).toEqual({ ...before, records: before.records.slice(-after.records.length) });
      expect(kept).toEqual(before.records.slice(0, -after.records.length).map(({ record }) => `${record.version}`));
    },
  },
};

const { endpoint, name } = engines[0] as (typeof engines)[number];

describe.each([
  {
    name: "SQLite",
    rounds: Math.ceil(KILLS / KILLS_IN_A_ROW),
    longestMs: 20,
    open: async (): Promise<Opened> => {
      const path = folder.path("orders.db");
      const database = openSqlite(path);
      const rows = new SqliteOpaqueStore(database);
      return { url: `sqlite:${path}`, store: new SqliteStore(database, { opaqueStore: rows }), rows };
    },
  },
  {
    name,
    rounds: Math.ceil(KILLS / KILLS_IN_A_ROW / 5),
    longestMs: 200,
    open: async (): Promise<Opened> => {
      const { url, store, opaqueStore: rows } = await freshTables(endpoint);
      return { url, store, rows };
    },
  },
])("on $name", ({ name, rounds, longestMs, open }) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await open();
    await makeOrder(opened.store, "neighbour");
  });

  it.each(["delete", "archive"] as const)(
    "streams %s goes on from wherever it was killed",
    async (command) => {
      const { more, check } = commands[command];
      let kills = 0;
      const moments = { untouched: 0, kept: 0, begun: 0 };
      for (let round = 0; round < rounds; round++) {
        const id = `${command}-${round}`;
        await makeOrder(opened.store, id);
        const state = await load(opened, id);
        const { own: before, others } = await storedOf(opened, id);
        const versions = before.records.map(({ record }) => `${record.version}`);
        const backup = folder.path(`${name}-${id}.jsonl`);
        const args = [
          "streams",
          command,
          `${ORDERS}${id}`,
          "--store",
          opened.url,
          "--domain",
          domain,
          "--backup",
          backup,
        ];
        for (let kill = 0; kill < KILLS_IN_A_ROW; kill++) {
          await runKilled([...args, ...more], backup, kills++, longestMs);
          const { own, others: untouched } = await storedOf(opened, id);
          expect(untouched).toEqual(others);
          const left = own.records
            .filter(({ record }) => !isTombstone(record))
            .map(({ record }) => `${record.version}`);
          const kept = versionsKept(backup);
          expect(versions.filter((version) => !left.includes(version) && !kept.includes(version))).toEqual([]);
          const isDeleted = command === "delete" && own.records.length !== left.length;
          expect(await load(opened, id)).toEqual(isDeleted ? "deleted" : state);
          const hasBegun = isDeleted || left.length < versions.length;
          moments[hasBegun ? "begun" : kept.length > 0 ? "kept" : "untouched"]++;
        }
        const last = await runCli([...args, ...more]);
        expect(last).toMatchObject({ code: 0 });
        const { own: after, others: untouched } = await storedOf(opened, id);
        expect(untouched).toEqual(others);
        check(before, after, versionsKept(backup));
        expect(existsSync(`${backup}.part`)).toBe(false);
        expect(await load(opened, id)).toEqual(command === "delete" ? "deleted" : state);
      }
      console.info(`killed streams ${command} on ${name}: ${JSON.stringify(moments)}`);
    },
    60_000 + KILLS * 5_000,
  );
});

/** Runs a command and kills it: at any moment, or up to so many milliseconds after it began to write a file, or had it. */
async function runKilled(args: readonly string[], backup: string, number: number, longestMs: number): Promise<void> {
  const child = startCli(args);
  const ending = resultOf(child);
  const awaited = [undefined, `${backup}.part`, backup, backup][number % 4];
  const isThere = (): boolean => awaited === undefined || existsSync(awaited) || existsSync(backup);
  while (child.exitCode === null && !isThere()) await sleep(1);
  await sleep(Math.random() * (awaited === undefined ? START_MS : longestMs));
  child.kill("SIGKILL");
  await ending;
}
