/** What the processes of a soak of subscriptions share: the store, and the subscriptions that follow it. */
import { writeSync } from "node:fs";
import { engineClient } from "@protosource-es/engines";
import { type EventStore, Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore } from "protosource-es/dynamodb";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { defineOutbox, defineProcess, on, type Subscription, send } from "protosource-es/subscriptions";
import { type TestTypes, testCommands } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";
import { journal } from "../subscriptions/journal.js";
import { sales, testAggregate } from "../subscriptions/sales.js";

/** Where everything is. */
export type Place =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "dynamodb"; readonly endpoint: string };

export const TABLES = { eventsTable: "soak-events", aggregatesTable: "soak-aggregates", feedsTable: "soak-feeds" };

/**
 * How many streams the process writes to: few, so that its workers meet in them, and enough for the journal of each to fit
 * into the key that it is kept in.
 */
export const TALLIES = 100;

export interface OpenPlace {
  readonly store: EventStore;
  readonly opaqueStore: OpaqueStore;
  close(): void;
}

export function openPlace(place: Place): OpenPlace {
  if (place.kind === "sqlite") {
    const database = openSqlite(place.path, { synchronous: "NORMAL", busyTimeoutMs: 60_000 });
    const store = new SqliteStore(database);
    return { store, opaqueStore: store.opaqueStore, close: () => database.close() };
  }
  const client = engineClient(place.endpoint);
  const timeLimits = { attemptMs: 3_000, totalMs: 20_000 };
  const { eventsTable, aggregatesTable: table, feedsTable } = TABLES;
  const opaqueStore = new DynamoDBOpaqueStore(client, { table, timeLimits });
  const store = new DynamoDBStore(client, { eventsTable, feedsTable, opaqueStore, timeLimits });
  return { store, opaqueStore, close: () => client.destroy() };
}

/** Two read models, a process that tells the tallies of each order that is placed, and an outbox that writes a file. */
export function subscriptionsOf(store: EventStore, sent: number): readonly Subscription[] {
  const tests: Repository<TestTypes> = new Repository(testAggregate, store, { retries: 20 });
  const tally = defineProcess({
    name: "tally",
    since: "beginning",
    from: [
      on(order, {
        memo: () => ({ customerId: "" }),
        Created: ({ customerId }, { memo }) => {
          memo.customerId = customerId;
          return undefined;
        },
        Placed: (_, { id, version, memo }) => {
          const number = (Number(id.slice(1)) + Number(version)) % TALLIES;
          return send(tests, testCommands.Update({ body: memo.customerId }), { id: `tally-${number}` });
        },
      }),
    ],
  });
  const outbox = defineOutbox({
    name: "outbox",
    since: "beginning",
    from: [on(order, { Created: () => ({ data: {} }), Placed: () => ({ data: {} }) })],
    to: async (messages) => {
      for (const { dedupeId } of messages) writeSync(sent, `${dedupeId}\n`);
    },
  });
  return [sales(), journal(), tally, outbox];
}
