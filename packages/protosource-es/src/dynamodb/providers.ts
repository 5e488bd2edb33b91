/** The providers of this backend, for NestJS and containers like it. */
import type { Clock } from "../clock.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import { AGGREGATE_STORE, OPAQUE_STORE, type Provider, SNAPSHOT_TAIL_STORE, STORE } from "../store/provider.js";
import type { DynamoDBClientLike } from "./dynamodb-client.js";
import { DynamoDBOpaqueStore } from "./dynamodb-opaque-store.js";
import { DynamoDBStore } from "./dynamodb-store.js";
import type { RequestOptions } from "./sending.js";
import type { AggregatesTableName, EventsTableName } from "./table-names.js";

/** Stands for the `DynamoDBClient`, which the application provides. */
export const DYNAMODB_CLIENT: unique symbol = Symbol.for("protosource-es/dynamodb-client");

/** Stands for the name of the events table, which the application provides: `eventsTableName("…")`. */
export const EVENTS_TABLE_NAME: unique symbol = Symbol.for("protosource-es/events-table-name");

/** Stands for the name of the aggregates table, which the application provides: `aggregatesTableName("…")`. */
export const AGGREGATES_TABLE_NAME: unique symbol = Symbol.for("protosource-es/aggregates-table-name");

/** What the stores of this backend have in common: `onRequest`, `timeLimits`, `fastPath` and the clock. */
export interface StoreOptions extends RequestOptions {
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
}

/** Makes the store of rows. */
export function provideOpaqueStore(
  client: DynamoDBClientLike,
  table: AggregatesTableName,
  options: StoreOptions = {},
): DynamoDBOpaqueStore {
  return new DynamoDBOpaqueStore(client, { ...options, table });
}

/** Makes the store of streams. */
export function provideStore(
  client: DynamoDBClientLike,
  opaqueStore: OpaqueStore,
  table: EventsTableName,
  options: StoreOptions = {},
): DynamoDBStore {
  return new DynamoDBStore(client, { ...options, eventsTable: table, opaqueStore });
}

/**
 * Makes everything that a container needs for this backend, beside what the application provides: the client and the two
 * table names. `STORE`, `SNAPSHOT_TAIL_STORE` and `AGGREGATE_STORE` are one and the same store.
 */
export function createProviderSet(options: StoreOptions = {}): Provider[] {
  return [
    {
      provide: OPAQUE_STORE,
      useFactory: (client: DynamoDBClientLike, table: AggregatesTableName) =>
        provideOpaqueStore(client, table, options),
      inject: [DYNAMODB_CLIENT, AGGREGATES_TABLE_NAME],
    },
    {
      provide: DynamoDBStore,
      useFactory: (client: DynamoDBClientLike, opaqueStore: OpaqueStore, table: EventsTableName) =>
        provideStore(client, opaqueStore, table, options),
      inject: [DYNAMODB_CLIENT, OPAQUE_STORE, EVENTS_TABLE_NAME],
    },
    { provide: STORE, useExisting: DynamoDBStore },
    { provide: SNAPSHOT_TAIL_STORE, useExisting: DynamoDBStore },
    { provide: AGGREGATE_STORE, useExisting: DynamoDBStore },
  ];
}

/** The providers with the options that the stores have by default: see {@link createProviderSet}. */
export const providerSet: Provider[] = createProviderSet();
