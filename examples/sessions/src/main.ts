/**
 * Serves sessions over HTTP, with a page at `/`: from the DynamoDB tables that EVENTS_TABLE and AGGREGATES_TABLE name, or
 * from the file of SQLITE_FILE, or without these in memory. BANNED_USERS names users whose sessions are void. It listens
 * on PORT, or on a free one, and says where.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ensureTables } from "protosource-es/dynamodb";
import { nodeListener } from "protosource-es/http/node";
import { openSqlite } from "protosource-es/sqlite";
import { sessionApi } from "./api.js";
import { sessionAggregate } from "./session.js";
import { sessionSite } from "./site.js";
import { type Sessions, sessionsInFile, sessionsInMemory, sessionsOnDynamoDB } from "./stores.js";

const { PORT = "0", BANNED_USERS = "" } = process.env;
const { EVENTS_TABLE: eventsTable, AGGREGATES_TABLE: aggregatesTable, SQLITE_FILE: file } = process.env;

const banned = new Set(BANNED_USERS.split(","));
const session = sessionAggregate({
  isBanned: async (userId) => banned.has(userId),
  // An example has no authenticator: this code is everybody's.
  isCodeOf: async (_userId, code) => code === "123456",
});

const server = createServer(nodeListener(await sessionSite(sessionApi(await openSessions()))));
server.listen(Number(PORT));
await once(server, "listening");
console.log(`Listening on http://localhost:${(server.address() as AddressInfo).port}`);

async function openSessions(): Promise<Sessions> {
  if (file) return sessionsInFile(session, openSqlite(file));
  if (!eventsTable || !aggregatesTable) return sessionsInMemory(session);
  const client = new DynamoDBClient({});
  await ensureTables(client, { eventsTable, aggregatesTable });
  return sessionsOnDynamoDB(session, client, { eventsTable, aggregatesTable });
}
