import { ProtosourceError } from "../errors.js";

declare const brand: unique symbol;

/** The name of an events table, checked. */
export type EventsTableName = string & { readonly [brand]: "EventsTableName" };

/** The name of an aggregates table, checked. */
export type AggregatesTableName = string & { readonly [brand]: "AggregatesTableName" };

/** The name of a feeds table, checked. */
export type FeedsTableName = string & { readonly [brand]: "FeedsTableName" };

/** The name of a table of keys, checked. */
export type KeysTableName = string & { readonly [brand]: "KeysTableName" };

/** Checks the name of an events table. Throws `invalid_argument` when it breaks DynamoDB's rules. */
export function eventsTableName(name: string): EventsTableName {
  checkTableName(name);
  return name as EventsTableName;
}

/** Checks the name of an aggregates table. Throws `invalid_argument` when it breaks DynamoDB's rules. */
export function aggregatesTableName(name: string): AggregatesTableName {
  checkTableName(name);
  return name as AggregatesTableName;
}

/** Checks the name of a feeds table. Throws `invalid_argument` when it breaks DynamoDB's rules. */
export function feedsTableName(name: string): FeedsTableName {
  checkTableName(name);
  return name as FeedsTableName;
}

/** Checks the name of a table of keys. Throws `invalid_argument` when it breaks DynamoDB's rules. */
export function keysTableName(name: string): KeysTableName {
  checkTableName(name);
  return name as KeysTableName;
}

/** The events table of a store that isn't told another. */
export const DEFAULT_EVENTS_TABLE: EventsTableName = eventsTableName("events");

/** The aggregates table of a store that isn't told another. */
export const DEFAULT_AGGREGATES_TABLE: AggregatesTableName = aggregatesTableName("aggregates");

/** The feeds table of subscriptions that aren't told another. */
export const DEFAULT_FEEDS_TABLE: FeedsTableName = feedsTableName("feeds");

/** The table of keys of a key store that isn't told another. */
export const DEFAULT_KEYS_TABLE: KeysTableName = keysTableName("keys");

function checkTableName(name: string): void {
  if (typeof name !== "string" || !/^[a-zA-Z0-9_.-]{3,255}$/.test(name)) {
    throw new ProtosourceError(
      "invalid_argument",
      `${JSON.stringify(name)} is no table name: DynamoDB takes 3 to 255 of a-z, A-Z, 0-9, "_", "." and "-"`,
      { argument: "table" },
    );
  }
}
