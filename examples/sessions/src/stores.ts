/** Sessions on the stores that they can live in. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Clock, Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, type ObservedRequest } from "protosource-es/dynamodb";
import { MemoryStore } from "protosource-es/memory";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { type SqliteDatabase, SqliteStore } from "protosource-es/sqlite";
import {
  type SessionAggregate,
  SessionCardQueries,
  SessionQueries,
  type SessionTypes,
} from "../gen/example/app/session/v1/session_v1_protosource.js";

/** What writes sessions, and what finds them. */
export interface Sessions {
  readonly repository: Repository<SessionTypes>;
  readonly queries: SessionQueries;
  readonly cards: SessionCardQueries;
  /** Where the rows are that both find. */
  readonly rows: OpaqueStore;
}

/** Keeps sessions in memory. */
export function sessionsInMemory(session: SessionAggregate, clock?: Clock): Sessions {
  const store = new MemoryStore({ clock });
  return {
    repository: new Repository(session, store, { clock, newId: () => crypto.randomUUID() }),
    queries: new SessionQueries(store.opaqueStore),
    cards: new SessionCardQueries(store.opaqueStore),
    rows: store.opaqueStore,
  };
}

/** Keeps sessions in an SQLite file. */
export function sessionsInFile(session: SessionAggregate, database: SqliteDatabase, clock?: Clock): Sessions {
  const store = new SqliteStore(database, { clock });
  return {
    repository: new Repository(session, store, { clock, newId: () => crypto.randomUUID() }),
    queries: new SessionQueries(store.opaqueStore),
    cards: new SessionCardQueries(store.opaqueStore),
    rows: store.opaqueStore,
  };
}

export interface OnDynamoDBOptions {
  readonly eventsTable: string;
  readonly aggregatesTable: string;
  readonly clock?: Clock | undefined;
  /** Is told of each request: what it was, how long it took and what it cost. */
  readonly onRequest?: ((request: ObservedRequest) => void) | undefined;
}

/** Keeps sessions in DynamoDB. */
export function sessionsOnDynamoDB(
  session: SessionAggregate,
  client: DynamoDBClient,
  { eventsTable, aggregatesTable, clock, onRequest }: OnDynamoDBOptions,
): Sessions {
  const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable, clock, onRequest });
  const store = new DynamoDBStore(client, { eventsTable, opaqueStore, clock, onRequest });
  return {
    repository: new Repository(session, store, { clock, newId: () => crypto.randomUUID() }),
    queries: new SessionQueries(opaqueStore),
    cards: new SessionCardQueries(opaqueStore),
    rows: opaqueStore,
  };
}
