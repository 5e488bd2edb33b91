/**
 * Serves sessions over HTTP: from the DynamoDB tables that EVENTS_TABLE and AGGREGATES_TABLE name, or from the file of
 * SQLITE_FILE, or without these in memory. BANNED_USERS names users whose sessions are void. It listens on PORT, or on
 * a free one, and says where.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ensureTables } from "protosource-es/dynamodb";
import { openSqlite } from "protosource-es/sqlite";
import { sessionHandler } from "./handler.js";
import { sessionAggregate } from "./session.js";
import { type Sessions, sessionsInFile, sessionsInMemory, sessionsOnDynamoDB } from "./stores.js";

const { PORT = "0", BANNED_USERS = "" } = process.env;
const { EVENTS_TABLE: eventsTable, AGGREGATES_TABLE: aggregatesTable, SQLITE_FILE: file } = process.env;

const banned = new Set(BANNED_USERS.split(","));
const session = sessionAggregate({
  isBanned: async (userId) => banned.has(userId),
  // An example has no authenticator: this code is everybody's.
  isCodeOf: async (_userId, code) => code === "123456",
});

const handle = sessionHandler(session, await openSessions());
const server = createServer((incoming, outgoing) => {
  toRequest(incoming)
    .then(handle)
    .then(async (response) => {
      outgoing.writeHead(response.status, { "content-type": "application/json" }).end(await response.text());
    })
    .catch((error: unknown) => {
      console.error(error);
      outgoing.writeHead(500).end();
    });
});
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

async function toRequest(incoming: IncomingMessage): Promise<Request> {
  const { method = "GET", url = "/" } = incoming;
  const actor = incoming.headers["x-user"];
  const headers = typeof actor === "string" ? { "x-user": actor } : {};
  const body = method === "GET" ? null : await text(incoming);
  return new Request(new URL(url, "http://localhost"), { method, headers, body });
}
