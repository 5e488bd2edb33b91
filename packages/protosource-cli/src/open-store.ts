/** Opens the stores behind an address. What a store isn't asked for isn't loaded: the SDK alone takes half a second. */
import { existsSync } from "node:fs";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type EventStore,
  isProtosourceError,
  ProtosourceError,
  type RepairableStore,
  type RestorableStore,
  type TrimmableStore,
} from "protosource-es";
import type { ObservedRequest } from "protosource-es/dynamodb";
import type { OpaqueStore, ScannableOpaqueStore } from "protosource-es/opaquedata";
import type { SqliteDatabase } from "protosource-es/sqlite";
import { usageError } from "./failure.js";
import { isWritable } from "./file-access.js";
import type { DynamoDBLocation, Layout, SqliteLocation, StoreLocation } from "./store-url.js";

/** The two halves of a store, open. */
export interface OpenStore {
  readonly location: StoreLocation;
  readonly store: EventStore & RepairableStore & RestorableStore & TrimmableStore;
  readonly opaqueStore: OpaqueStore & ScannableOpaqueStore;
  /** About how many records and rows there are, to say how much is left; undefined when nobody knows. */
  estimate(): Promise<{ readonly records: number; readonly rows: number } | undefined>;
  /** How many claims lie beside the rows. Where they lie among them, a scan of the rows counts them. */
  claimsBeside(): number;
  close(): void;
}

export interface OpenStoreOptions {
  /** Makes an SQLite file that isn't there, with its tables. By default that is an error. */
  readonly create?: boolean | undefined;
  /** Opens an SQLite file so that nothing can change it. By default it is opened for use, where it may be written. */
  readonly readOnly?: boolean | undefined;
  /** Finds out the layout of a table of events, for a command that puts records into it. */
  readonly restores?: boolean | undefined;
  /** Is told of each request to DynamoDB. */
  readonly onRequest?: ((request: ObservedRequest) => void) | undefined;
}

/**
 * Opens a store.
 *
 * Throws `not_found` for an SQLite file that isn't there, `invalid_argument` for a file that isn't one of ours and for
 * a missing region, and `denied` for missing credentials.
 */
export async function openStore(location: StoreLocation, options: OpenStoreOptions = {}): Promise<OpenStore> {
  return location.kind === "sqlite" ? openSqliteStore(location, options) : openDynamoDBStore(location, options);
}

async function openSqliteStore(location: SqliteLocation, { create, readOnly }: OpenStoreOptions): Promise<OpenStore> {
  const { path } = location;
  if (!create) await checkIsStore(path);
  const { openSqlite, SqliteOpaqueStore, SqliteStore } = await import("protosource-es/sqlite");
  const { openReadOnly } = await import("./read-only.js");
  const isForUse = create || (isWritable(path) && !readOnly);
  const database = isForUse ? openSqlite(path) : readOnly ? await openForLook(path) : await openReadOnly(path);
  try {
    const opaqueStore = new SqliteOpaqueStore(database);
    const store = new SqliteStore(database, { opaqueStore });
    const count = (table: string): number => {
      try {
        const [row] = database.prepare(`SELECT count(*) AS count FROM ${table}`).all() as { count: number | bigint }[];
        return Number(row?.count ?? 0);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        const message = `${path} can't be read (${reason}): look at it by protosource tables check`;
        throw new ProtosourceError("corrupt_record", message, { key: path }, { cause });
      }
    };
    return {
      location,
      store,
      opaqueStore,
      estimate: async () => ({ records: count("protosource_events"), rows: count("protosource_rows") }),
      claimsBeside: () => count("protosource_claims"),
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Refuses a file that isn't there, and one without our tables: a look at it must not leave any there. */
export async function checkIsStore(path: string): Promise<void> {
  const advice = `give the path of a store, or make one by protosource tables ensure --store sqlite:${path}`;
  if (!existsSync(path)) throw missing(path, `there is no file ${path}: ${advice}`);
  let database: SqliteDatabase;
  try {
    database = await openForLook(path);
  } catch {
    // Opening it for use says better what is wrong.
    return;
  }
  try {
    const tables = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'protosource_events'").all();
    if (tables.length === 0) throw missing(path, `${path} is an SQLite file without streams: ${advice}`);
  } catch (error) {
    if (isProtosourceError(error)) throw error;
  } finally {
    database.close();
  }
}

/** Opens a file without a change to it. */
export async function openForLook(path: string): Promise<SqliteDatabase> {
  if (!isWritable(path)) return (await import("./read-only.js")).openReadOnly(path);
  const { default: Libsql } = await import("libsql");
  return new Libsql(path, { readonly: true }) as unknown as SqliteDatabase;
}

function missing(path: string, message: string): ProtosourceError<"not_found"> {
  return new ProtosourceError("not_found", message, { aggregateId: path, reason: "unknown" });
}

async function openDynamoDBStore(
  location: DynamoDBLocation,
  { onRequest, restores }: OpenStoreOptions,
): Promise<OpenStore> {
  const { DynamoDBOpaqueStore, DynamoDBStore } = await import("protosource-es/dynamodb");
  const { DescribeTableCommand } = await import("@aws-sdk/client-dynamodb");
  const client = await openClient(location);
  const { eventsTable, aggregatesTable, feedsTable } = location;
  const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable, onRequest });
  const options = { eventsTable, feedsTable, opaqueStore, onRequest };
  let { layout } = location;
  if (restores) {
    try {
      layout = layoutFor(location, await new DynamoDBStore(client, options).findLayout());
    } catch (error) {
      client.destroy();
      throw error;
    }
  }
  const store = new DynamoDBStore(client, { ...options, layout });
  return {
    location,
    store,
    opaqueStore,
    async estimate() {
      try {
        const [events, aggregates] = await Promise.all(
          [eventsTable, aggregatesTable].map((TableName) => client.send(new DescribeTableCommand({ TableName }))),
        );
        return { records: events?.Table?.ItemCount ?? 0, rows: aggregates?.Table?.ItemCount ?? 0 };
      } catch {
        return undefined;
      }
    },
    claimsBeside: () => 0,
    close: () => client.destroy(),
  };
}

/** Gives the layout that is said, or found. Throws `invalid_argument` where the two differ: readers may know one only. */
function layoutFor({ layout, eventsTable }: DynamoDBLocation, found: Layout | undefined): Layout | undefined {
  if (layout === undefined || found === undefined || layout === found) return layout ?? found;
  throw usageError(
    "--store",
    `--store says layout=${layout}, and the events in ${eventsTable} are ${found}: leave layout out to go on with theirs`,
  );
}

/**
 * Makes a client with the region and the credentials of the AWS environment.
 *
 * Throws `invalid_argument` without a region, and `denied` without credentials: better at once than after retries.
 */
export async function openClient(location: DynamoDBLocation): Promise<DynamoDBClient> {
  const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const { region, endpoint } = location;
  const client = new DynamoDBClient({ ...(region ? { region } : {}), ...(endpoint ? { endpoint } : {}) });
  try {
    await client.config.region();
  } catch (cause) {
    client.destroy();
    throw usageError("--store", "no AWS region is known: write dynamodb:?region=eu-west-1, or set AWS_REGION", cause);
  }
  try {
    await client.config.credentials();
  } catch (cause) {
    client.destroy();
    throw new ProtosourceError(
      "denied",
      "no AWS credentials are found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
      { reason: cause instanceof Error ? cause.name : String(cause) },
      { cause },
    );
  }
  return client;
}
