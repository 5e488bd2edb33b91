/** The stores that take part, each with tables or a file of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { engineClient } from "@protosource-es/engines";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import type { Contender } from "./contender.js";
import { createFloor } from "./floor.js";
import { createJsonFloor } from "./floor-json.js";
import type { Entry } from "./interleave.js";
import { createMeteredClient, type MeteredOptions, NO_TRAFFIC } from "./metered-client.js";
import { EMMETT, EMMETT_AGAIN, FLOOR, FLOOR_AGAIN, FLOOR_JSON, OURS, OURS_PLAIN, PACKED, SQLITE } from "./names.js";
import { contenderOf, createOurs } from "./ours.js";
import { createCastore } from "./peers/castore.js";
import { createEmmettSqlite } from "./peers/emmett-sqlite.js";
import { createEquinox } from "./peers/equinox.js";
import { createEventStoreAdapter } from "./peers/event-store-adapter.js";
import { isInstalled, requirePeer } from "./peers/installed.js";
import { REBUILT, type Shape, seed } from "./workloads.js";

type Create = (client: DynamoDBClient, table: string) => Promise<Contender>;

interface Recipe {
  readonly name: string;
  readonly create: Create;
  /** How many events its long streams are written with at once. */
  readonly seedsAtOnce: number;
  /** Uses the SDK as the peers find it, which is a copy of its own of the same version. */
  readonly isPeer?: true;
}

const OWN: readonly Recipe[] = [
  { name: FLOOR, create: createFloor, seedsAtOnce: 100 },
  { name: FLOOR_AGAIN, create: createFloor, seedsAtOnce: 100 },
  { name: FLOOR_JSON, create: createJsonFloor, seedsAtOnce: 100 },
  { name: OURS, create: createOurs, seedsAtOnce: 100 },
  { name: PACKED, create: (client, table) => createOurs(client, table, { layout: "packed" }), seedsAtOnce: 5 },
  { name: OURS_PLAIN, create: (client, table) => createOurs(client, table, { fastPath: false }), seedsAtOnce: 100 },
];

const PEERS: readonly Recipe[] = [
  { name: "Castore", create: createCastore, seedsAtOnce: 100, isPeer: true },
  { name: "Equinox", create: createEquinox, seedsAtOnce: 100, isPeer: true },
  { name: "event-store-adapter-js", create: createEventStoreAdapter, seedsAtOnce: 100, isPeer: true },
];

/** Which stores take part, and what is written before. */
export interface Selection extends MeteredOptions {
  /** What their tables are for. No other stores on the engine have the same. */
  readonly purpose: string;
  readonly peers: boolean;
  readonly shapes: readonly Shape[];
}

/** Makes the stores on the engine at an address, and writes their streams. */
export async function dynamoDBEntries(engine: string, selection: Selection): Promise<readonly Entry[]> {
  const recipes = selection.peers ? [...OWN, ...PEERS] : OWN;
  const entries: Entry[] = [];
  for (const recipe of recipes) entries.push(await entryOf(engine, recipe, selection));
  return entries;
}

/** Makes the stores that rebuild rows, with nothing but the orders to rebuild. */
export async function rebuildEntries(engine: string, selection: Selection): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const shapes = Array.from({ length: REBUILT.orders }, (): Shape => ({ length: REBUILT.events, texts: "alike" }));
  for (const recipe of OWN.filter(({ name }) => [FLOOR, FLOOR_AGAIN, OURS].includes(name))) {
    const entry = await entryOf(engine, recipe, { ...selection, shapes });
    await entry.contender.rebuild?.();
    entries.push(entry);
  }
  return entries;
}

async function entryOf(
  engine: string,
  { name, create, seedsAtOnce, isPeer }: Recipe,
  { purpose, units, shapes }: Selection,
): Promise<Entry> {
  const table = `${purpose}-${name}`.replaceAll(/[^a-z0-9]+/gi, "-");
  const clientOf = isPeer ? peerClient : engineClient;
  const meter = createMeteredClient((config) => clientOf(engine, config), { units });
  const contender = await create(meter.client, table);
  return { name, contender, seeded: await seed(contender, shapes, seedsAtOnce), meter };
}

function peerClient(endpoint: string, config: Partial<DynamoDBClientConfig>): DynamoDBClient {
  const { DynamoDB } = requirePeer<{ readonly DynamoDB: new (config: DynamoDBClientConfig) => DynamoDBClient }>(
    "@aws-sdk/client-dynamodb",
  );
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  return new DynamoDB({ endpoint, region: "us-east-1", credentials, ...config });
}

/** Stores in SQLite files, and what ends them. */
export interface EmbeddedEntries {
  readonly entries: readonly Entry[];
  close(): void;
}

/** Makes the stores in SQLite files, all with a write-ahead log and `synchronous` at FULL. */
export async function embeddedEntries(shapes: readonly Shape[]): Promise<EmbeddedEntries> {
  const folder = mkdtempSync(join(tmpdir(), "protosource-bench-"));
  const database = openSqlite(join(folder, "ours.db"), { synchronous: "FULL" });
  const contenders: Record<string, Contender> = {
    ...(isInstalled("@event-driven-io/emmett-sqlite")
      ? {
          [EMMETT]: createEmmettSqlite(join(folder, "emmett.db")),
          [EMMETT_AGAIN]: createEmmettSqlite(join(folder, "emmett-again.db")),
        }
      : {}),
    [SQLITE]: contenderOf(new SqliteStore(database)),
  };
  const entries: Entry[] = [];
  for (const [name, contender] of Object.entries(contenders)) {
    entries.push({ name, contender, seeded: await seed(contender, shapes, 100), meter: NO_TRAFFIC });
  }
  return {
    entries,
    close() {
      database.close();
      rmSync(folder, { recursive: true });
    },
  };
}
