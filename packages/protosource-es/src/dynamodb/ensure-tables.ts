/** Makes the two tables, and tells how existing ones differ from what they should be. */
import type { CreateTableCommandInput, GlobalSecondaryIndex, TableDescription } from "@aws-sdk/client-dynamodb";
import type { CallOptions } from "../call-options.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { throwIfAborted } from "../store/save-checks.js";
import { checkClient, type DynamoDBAdminClientLike } from "./dynamodb-client.js";
import { type TableAdmin, tableAdmin } from "./table-admin.js";
import { aggregatesTableName, DEFAULT_AGGREGATES_TABLE, DEFAULT_EVENTS_TABLE, eventsTableName } from "./table-names.js";
import { aggregatesTable, eventsTable, TTL_ATTRIBUTE } from "./table-shapes.js";

export interface EnsureTablesOptions extends CallOptions {
  /** Changes existing tables too, where that is possible: indexes, TTL, recovery and protection. Off by default. */
  readonly repair?: boolean | undefined;
  /** Milliseconds to wait for a table, or an index, to become active. 120,000 by default. */
  readonly waitMs?: number | undefined;
}

/** What was found and done with one table. A setting is `keys`, `billing`, `protection`, `ttl`, `recovery` or an index. */
export interface TableReport {
  readonly table: string;
  /** Whether this call made the table. */
  readonly created: boolean;
  /** The settings that this call changed, beside those that a table is made with. */
  readonly changed: readonly string[];
  /** The settings that differ from what they should be, and were left so. */
  readonly different: readonly { readonly setting: string; readonly expected: string; readonly found: string }[];
  /** The settings that this call couldn't change. */
  readonly failed: readonly { readonly setting: string; readonly reason: string }[];
  /** The settings that couldn't be read, which doesn't mean that they are off: a permission may be missing. */
  readonly unknown: readonly { readonly setting: string; readonly reason: string }[];
}

export interface TablesReport {
  readonly events: TableReport;
  readonly aggregates: TableReport;
}

const WAIT_MS = 120_000;

/**
 * Makes the tables that don't exist: on demand, protected from deletion, with TTL on `t` and point-in-time recovery.
 * An existing table is compared, and left alone without `repair`. Several callers at once are safe.
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
  const [events, aggregates] = await Promise.all([
    ensureTable(client, expected.events, options),
    ensureTable(client, expected.aggregates, options),
  ]);
  return { events, aggregates };
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
  const [events, aggregates] = await Promise.all([
    checkTable(client, expected.events, options),
    checkTable(client, expected.aggregates, options),
  ]);
  return { ...(events && { events }), ...(aggregates && { aggregates }) };
}

/** The names of the tables. By default `"events"` and `"aggregates"`. */
export interface TableNames {
  readonly eventsTable?: string | undefined;
  readonly aggregatesTable?: string | undefined;
}

function expectedTables(names: TableNames): Record<keyof TablesReport, CreateTableCommandInput> {
  const events: string = eventsTableName(names.eventsTable ?? DEFAULT_EVENTS_TABLE);
  const aggregates: string = aggregatesTableName(names.aggregatesTable ?? DEFAULT_AGGREGATES_TABLE);
  if (events === aggregates) {
    const message = `events and aggregates can't share the table ${events}: give two names`;
    throw new ProtosourceError("invalid_argument", message, { argument: "aggregatesTable" });
  }
  return { events: eventsTable(events), aggregates: aggregatesTable(aggregates) };
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
  const settings = await readSettings(admin, expected, await admin.active());
  // What can't be read isn't off, so that it is changed only on a table that can't have it yet.
  const mayMend = ({ unreadable }: Setting): boolean =>
    created || (options.repair === true && unreadable === undefined);
  return mendSettings(table, created, settings, mayMend);
}

async function mendSettings(
  table: string,
  created: boolean,
  settings: readonly Setting[],
  mayMend: (setting: Setting) => boolean,
): Promise<TableReport> {
  const changed: string[] = [];
  const different: { setting: string; expected: string; found: string }[] = [];
  const failed: { setting: string; reason: string }[] = [];
  const unknown: { setting: string; reason: string }[] = [];
  for (const one of settings) {
    const { setting, expected, found, unreadable, mend } = one;
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
      different.push({ setting, expected, found });
    }
  }
  return { table, created, changed, different, failed, unknown };
}

/** One setting of a table: what it should be, what it is, and how to change it where that is possible. */
interface Setting {
  readonly setting: string;
  readonly expected: string;
  /** Undefined when it can't be read. */
  readonly found: string | undefined;
  readonly unreadable?: unknown;
  readonly mend?: () => Promise<void>;
}

async function readSettings(
  admin: TableAdmin,
  expected: CreateTableCommandInput,
  found: TableDescription,
): Promise<Setting[]> {
  const settings: Setting[] = [
    { setting: "keys", expected: keysOf(expected, expected), found: keysOf(found, found) },
    { setting: "billing", expected: "on demand", found: isOnDemand(found) ? "on demand" : "provisioned" },
    {
      setting: "protection",
      expected: "on",
      found: found.DeletionProtectionEnabled ? "on" : "off",
      mend: () => admin.update({ DeletionProtectionEnabled: true }),
    },
  ];
  for (const index of expected.GlobalSecondaryIndexes ?? []) {
    const existing = found.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === index.IndexName);
    const setting = {
      setting: String(index.IndexName),
      expected: `${keysOf(index, expected)}, ${index.Projection?.ProjectionType}`,
    };
    settings.push(
      existing
        ? { ...setting, found: `${keysOf(existing, found)}, ${existing.Projection?.ProjectionType}` }
        : { ...setting, found: "missing", mend: () => admin.update(createIndex(index, expected)) },
    );
  }
  settings.push({
    setting: "ttl",
    expected: `on ${TTL_ATTRIBUTE}`,
    ...(await readSetting(admin.ttl)),
    mend: () => admin.enableTtl(TTL_ATTRIBUTE),
  });
  settings.push({
    setting: "recovery",
    expected: "on",
    ...(await readSetting(admin.recovery)),
    mend: () => admin.enableRecovery(),
  });
  return settings;
}

async function readSetting(read: () => Promise<string>): Promise<Pick<Setting, "found" | "unreadable">> {
  try {
    return { found: await read() };
  } catch (unreadable) {
    return { found: undefined, unreadable };
  }
}

/** Gives the keys of a table or an index with their types, such as `a HASH S, v RANGE N`. */
function keysOf(
  keyed: Pick<TableDescription, "KeySchema">,
  table: Pick<TableDescription, "AttributeDefinitions">,
): string {
  const typeOf = (name: string | undefined): string | undefined =>
    table.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
  return (keyed.KeySchema ?? [])
    .map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType} ${typeOf(AttributeName)}`)
    .join(", ");
}

function isOnDemand(table: TableDescription): boolean {
  return table.BillingModeSummary?.BillingMode === "PAY_PER_REQUEST";
}

function createIndex(index: GlobalSecondaryIndex, table: CreateTableCommandInput): Parameters<TableAdmin["update"]>[0] {
  const names = [...(table.KeySchema ?? []), ...(index.KeySchema ?? [])].map(({ AttributeName }) => AttributeName);
  return {
    AttributeDefinitions: table.AttributeDefinitions?.filter(({ AttributeName }) => names.includes(AttributeName)),
    GlobalSecondaryIndexUpdates: [{ Create: index }],
  };
}

function reasonOf(error: unknown): string {
  return isProtosourceError(error) ? error.rawMessage : String(error);
}
