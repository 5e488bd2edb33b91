/** Makes the tables, and tells how existing ones differ from what they should be. */
import type { CreateTableCommandInput, TableDescription } from "@aws-sdk/client-dynamodb";
import type { CallOptions } from "../call-options.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { throwIfAborted } from "../store/save-checks.js";
import { checkClient, type DynamoDBAdminClientLike } from "./dynamodb-client.js";
import { tableAdmin } from "./table-admin.js";
import {
  aggregatesTableName,
  DEFAULT_AGGREGATES_TABLE,
  DEFAULT_EVENTS_TABLE,
  eventsTableName,
  feedsTableName,
  keysTableName,
} from "./table-names.js";
import { readSettings, type Setting } from "./table-settings.js";
import { aggregatesTable, eventsTable, feedsTable, keysTable } from "./table-shapes.js";

export interface EnsureTablesOptions extends CallOptions {
  /**
   * Changes existing tables too, where that is possible: indexes, TTL, recovery, protection, and a stream that is off.
   * Off by default.
   */
  readonly repair?: boolean | undefined;
  /** Milliseconds to wait for a table, or an index, to become active. 120,000 by default. */
  readonly waitMs?: number | undefined;
}

/** What was found and done with one table. A setting is `keys`, `billing`, `protection`, `stream`, `ttl`, `recovery` or an index. */
export interface TableReport {
  readonly table: string;
  /** Whether this call made the table. */
  readonly created: boolean;
  /** The settings that this call changed, beside those that a table is made with. */
  readonly changed: readonly string[];
  /** The settings that differ from what they should be, and were left so. */
  readonly different: readonly DifferentSetting[];
  /** The settings that this call couldn't change. */
  readonly failed: readonly { readonly setting: string; readonly reason: string }[];
  /** The settings that couldn't be read, which doesn't mean that they are off: a permission may be missing. */
  readonly unknown: readonly { readonly setting: string; readonly reason: string }[];
}

/** A setting of a table that isn't what it should be. */
export interface DifferentSetting {
  readonly setting: string;
  readonly expected: string;
  readonly found: string;
  /** What it means, and what to do about it, where that isn't plain. */
  readonly advice?: string;
}

export interface TablesReport {
  readonly events: TableReport;
  readonly aggregates: TableReport;
  /** Only where `feedsTable` is named. */
  readonly feeds?: TableReport;
  /** Only where `keysTable` is named. */
  readonly keys?: TableReport;
}

const WAIT_MS = 120_000;

/**
 * Makes the tables that don't exist: on demand, protected from deletion, with TTL on `t` and point-in-time recovery.
 * An existing table is compared, and left alone without `repair`. Several callers at once are safe. What a call left
 * undone that ended early, the next one does: a table that is as this function makes it, and no older than a day, gets
 * the TTL and the recovery that it lacks.
 *
 * Subscriptions need one table more, and the events table's stream: both are made where `feedsTable` is named. The keys of
 * persons have a table of their own, which is made where `keysTable` is named: without TTL, and without recovery, since what
 * brings erased keys back undoes that somebody was forgotten.
 *
 * TTL and recovery are tried; what didn't work is in the report. Throws `invalid_argument` for a bad name or client,
 * `denied`, and `unavailable` when a table doesn't become active in time.
 */
export async function ensureTables(
  client: DynamoDBAdminClientLike,
  names: TableNames = {},
  options: EnsureTablesOptions = {},
): Promise<TablesReport> {
  checkClient(client);
  const expected = expectedTables(names);
  throwIfAborted(options.signal, "ensureTables");
  const [events, aggregates, feeds, keys] = await Promise.all([
    ensureTable(client, expected.events, options),
    ensureTable(client, expected.aggregates, options),
    expected.feeds && ensureTable(client, expected.feeds, options),
    expected.keys && ensureTable(client, expected.keys, options),
  ]);
  return { events, aggregates, ...(feeds && { feeds }), ...(keys && { keys }) };
}

/**
 * Compares the tables with what `ensureTables` makes, and changes nothing. A table that doesn't exist has no report.
 *
 * Throws `invalid_argument` for a bad name or client, `denied` and `unavailable`.
 */
export async function checkTables(
  client: DynamoDBAdminClientLike,
  names: TableNames = {},
  options: CallOptions = {},
): Promise<Partial<TablesReport>> {
  checkClient(client);
  const expected = expectedTables(names);
  throwIfAborted(options.signal, "checkTables");
  const [events, aggregates, feeds, keys] = await Promise.all([
    checkTable(client, expected.events, options),
    checkTable(client, expected.aggregates, options),
    expected.feeds && checkTable(client, expected.feeds, options),
    expected.keys && checkTable(client, expected.keys, options),
  ]);
  return {
    ...(events && { events }),
    ...(aggregates && { aggregates }),
    ...(feeds && { feeds }),
    ...(keys && { keys }),
  };
}

/** The names of the tables. By default `"events"` and `"aggregates"`. */
export interface TableNames {
  readonly eventsTable?: string | undefined;
  readonly aggregatesTable?: string | undefined;
  /** The table of subscriptions. Where it isn't named there is none, and the events table needs no stream. */
  readonly feedsTable?: string | undefined;
  /** The table of the keys of persons. Where it isn't named there is none. */
  readonly keysTable?: string | undefined;
}

interface ExpectedTables {
  readonly events: CreateTableCommandInput;
  readonly aggregates: CreateTableCommandInput;
  readonly feeds?: CreateTableCommandInput;
  readonly keys?: CreateTableCommandInput;
}

function expectedTables(names: TableNames): ExpectedTables {
  const events: string = eventsTableName(names.eventsTable ?? DEFAULT_EVENTS_TABLE);
  const aggregates: string = aggregatesTableName(names.aggregatesTable ?? DEFAULT_AGGREGATES_TABLE);
  const feeds: string | undefined = names.feedsTable === undefined ? undefined : feedsTableName(names.feedsTable);
  const keys: string | undefined = names.keysTable === undefined ? undefined : keysTableName(names.keysTable);
  refuseShared({ eventsTable: events, aggregatesTable: aggregates, feedsTable: feeds, keysTable: keys });
  return {
    events: eventsTable(events, { stream: feeds !== undefined }),
    aggregates: aggregatesTable(aggregates),
    ...(feeds !== undefined && { feeds: feedsTable(feeds) }),
    ...(keys !== undefined && { keys: keysTable(keys) }),
  };
}

/** Refuses one name for two tables: what one keeps would lie among what the other does. */
function refuseShared(names: TableNames): void {
  const seen = new Set<string>();
  for (const [argument, name] of Object.entries(names)) {
    if (seen.has(name)) {
      const message = `${argument} is ${name}, which is another table's name already: give each table its own`;
      throw new ProtosourceError("invalid_argument", message, { argument });
    }
    if (name !== undefined) seen.add(name);
  }
}

async function checkTable(
  client: DynamoDBAdminClientLike,
  expected: CreateTableCommandInput,
  { signal }: CallOptions,
): Promise<TableReport | undefined> {
  const table = String(expected.TableName);
  const admin = tableAdmin(client, table, 0, signal);
  const found = await admin.describe();
  return found && mendSettings(table, false, await readSettings(admin, expected, found), () => false);
}

async function ensureTable(
  client: DynamoDBAdminClientLike,
  expected: CreateTableCommandInput,
  options: EnsureTablesOptions,
): Promise<TableReport> {
  const table = String(expected.TableName);
  const admin = tableAdmin(client, table, options.waitMs ?? WAIT_MS, options.signal);
  const created = (await admin.describe()) === undefined && (await admin.create(expected));
  const found = await admin.active();
  const settings = await readSettings(admin, expected, found);
  const unfinished = isUnfinished(found, settings);
  // What can't be read isn't off, so that it is changed only on a table that can't have it yet.
  const mayMend = ({ setting, found, unreadable }: Setting): boolean =>
    created ||
    (options.repair === true && unreadable === undefined) ||
    (unfinished && found === "off" && LATER_SETTINGS.has(setting));
  return mendSettings(table, created, settings, mayMend);
}

/** The settings that a table can only get once it is active. */
const LATER_SETTINGS = new Set(["recovery", "ttl"]);

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Tells whether a table was made as `ensureTables` makes it, and so lately that what it still lacks wasn't taken from it
 * but never given: whoever made it ended before the table was active.
 */
function isUnfinished({ CreationDateTime }: TableDescription, settings: readonly Setting[]): boolean {
  const isYoung = CreationDateTime !== undefined && Date.now() - CreationDateTime.getTime() < DAY_MS;
  return isYoung && settings.every(({ setting, expected, found }) => LATER_SETTINGS.has(setting) || found === expected);
}

async function mendSettings(
  table: string,
  created: boolean,
  settings: readonly Setting[],
  mayMend: (setting: Setting) => boolean,
): Promise<TableReport> {
  const changed: string[] = [];
  const different: DifferentSetting[] = [];
  const failed: { setting: string; reason: string }[] = [];
  const unknown: { setting: string; reason: string }[] = [];
  for (const one of settings) {
    const { setting, expected, found, unreadable, advice, mend } = one;
    if (unreadable !== undefined) unknown.push({ setting, reason: reasonOf(unreadable) });
    if (found === expected) continue;
    if (mend && mayMend(one)) {
      try {
        await mend();
        changed.push(setting);
      } catch (error) {
        failed.push({ setting, reason: reasonOf(error) });
      }
    } else if (found !== undefined) {
      different.push({ setting, expected, found, ...(advice !== undefined && { advice }) });
    }
  }
  return { table, created, changed, different, failed, unknown };
}

function reasonOf(error: unknown): string {
  return isProtosourceError(error) ? error.rawMessage : String(error);
}
