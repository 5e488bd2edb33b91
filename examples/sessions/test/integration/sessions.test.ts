/** Sessions from end to end, on each store: found by every index, and gone when their time is over. */
import { randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import { isProtosourceError, systemClock } from "protosource-es";
import { ensureTables } from "protosource-es/dynamodb";
import { openSqlite } from "protosource-es/sqlite";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { State } from "../../gen/example/app/session/v1/session_v1_pb.js";
import { sessionCommands } from "../../gen/example/app/session/v1/session_v1_protosource.js";
import { sessionAggregate } from "../../src/session.js";
import { type Sessions, sessionsInFile, sessionsInMemory, sessionsOnDynamoDB } from "../../src/stores.js";

const HOUR = 3_600;
const session = sessionAggregate({ isBanned: async () => false, isCodeOf: async () => true });

interface Opened {
  readonly sessions: Sessions;
  close(): void;
}

/** DynamoDB expires by the real time and the test by its own, which is ahead of it and never behind. */
const clock = new FakeClock(systemClock.now());

async function openOnEngine(endpoint: string): Promise<Opened> {
  const client: DynamoDBClient = engineClient(endpoint);
  const tables = { eventsTable: `events-${randomUUID()}`, aggregatesTable: `aggregates-${randomUUID()}` };
  await ensureTables(client, tables);
  return { sessions: sessionsOnDynamoDB(session, client, { ...tables, clock }), close: () => client.destroy() };
}

async function openInFile(): Promise<Opened> {
  const database = openSqlite(":memory:");
  return { sessions: sessionsInFile(session, database, clock), close: () => database.close() };
}

const places = [
  {
    name: "memory",
    open: async (): Promise<Opened> => ({ sessions: sessionsInMemory(session, clock), close: () => {} }),
  },
  { name: "sqlite", open: openInFile },
  ...inject("engines").map(({ name, endpoint }) => ({ name, open: () => openOnEngine(endpoint) })),
];

describe.each(places)("sessions on $name", ({ open }) => {
  let opened: Opened;
  let sessions: Sessions;
  beforeAll(async () => {
    opened = await open();
    ({ sessions } = opened);
  });
  afterAll(() => opened.close());

  const logIn = (id: string, actor: string, tenantId: string): Promise<unknown> =>
    sessions.repository.apply(sessionCommands.LogIn({ tenantId, device: `device of ${id}` }), { id, actor });
  const ids = ({ items }: { readonly items: readonly { readonly id: string }[] }): string[] =>
    items.map(({ id }) => id);

  it("finds them by user and time, by state, and by tenant, state and time", async () => {
    const start = clock.now();
    await logIn("a-1", "alice", "acme");
    clock.advanceSeconds(HOUR);
    const second = clock.now();
    await logIn("a-2", "alice", "acme");
    await logIn("b-1", "bob", "acme");
    clock.advanceSeconds(HOUR);
    await logIn("c-1", "carol", "initech");
    await sessions.repository.apply(sessionCommands.See({}), { id: "a-1", actor: "alice" });
    await sessions.repository.apply(sessionCommands.LogOut({}), { id: "b-1", actor: "bob" });
    const { queries, cards } = sessions;

    expect(ids(await queries.selectByUserId("alice"))).toEqual(["a-2", "a-1"]);
    expect(ids(await queries.selectByUserId("alice", { lastSeenAt: { between: [second + 1n, clock.now()] } }))).toEqual(
      ["a-1"],
    );
    expect(ids(await cards.selectByUserId("alice", { reverse: true, limit: 1 }))).toEqual(["a-1"]);

    expect(ids(await queries.selectByState(State.ACTIVE))).toEqual(["a-1", "a-2", "c-1"]);
    expect(ids(await queries.selectByState(State.ACTIVE, { createAt: { gt: start } }))).toEqual(["a-2", "c-1"]);
    expect(ids(await queries.selectByState(State.LOGGED_OUT))).toEqual(["b-1"]);

    expect(ids(await queries.selectByTenantId("acme", { state: State.ACTIVE }))).toEqual(["a-1", "a-2"]);
    expect(
      ids(await queries.selectByTenantId("acme", { state: State.ACTIVE, createAt: { between: [start, second - 1n] } })),
    ).toEqual(["a-1"]);
    expect(ids(await queries.selectByTenantId("initech"))).toEqual(["c-1"]);
  });

  it("gives the card what the user may see", async () => {
    await logIn("card", "dave", "acme");
    const { state, lastSeenAt, expiresAt } = await sessions.repository.load("card");
    expect(await sessions.cards.get("card")).toMatchObject({
      userId: "dave",
      device: "device of card",
      state,
      lastSeenAt,
      expiresAt,
    });
  });

  it("ends them eight hours after the log-in, however often they were seen", async () => {
    await logIn("late", "erin", "acme");
    clock.advanceSeconds(8 * HOUR - 1);
    await sessions.repository.apply(sessionCommands.See({}), { id: "late", actor: "erin" });
    clock.advanceSeconds(1);

    const gone = await sessions.repository.load("late").catch((error: unknown) => error);
    expect(isProtosourceError(gone, "not_found") && gone.details.reason).toBe("expired");
    const refused = sessions.repository.apply(sessionCommands.See({}), { id: "late", actor: "erin" });
    await expect(refused).rejects.toMatchObject({ code: "not_created" });
    const unknown = await sessions.repository.load("never").catch((error: unknown) => error);
    expect(isProtosourceError(unknown, "not_found") && unknown.details.reason).toBe("unknown");
  });

  it("drops the rows of a session and of its card, each as long after its last change", async () => {
    await logIn("rows", "frank", "acme");
    clock.advanceSeconds(8 * HOUR - 1);
    expect(await sessions.queries.get("rows")).toBeDefined();
    expect(ids(await sessions.cards.selectByUserId("frank"))).toEqual(["rows"]);
    clock.advanceSeconds(1);
    expect(await sessions.queries.get("rows")).toBeUndefined();
    expect(await sessions.cards.get("rows")).toBeUndefined();
    expect(ids(await sessions.queries.selectByUserId("frank"))).toEqual([]);
    expect(ids(await sessions.cards.selectByUserId("frank"))).toEqual([]);
  });

  it("lets the same device log in again afterwards", async () => {
    await logIn("again", "grace", "acme");
    clock.advanceSeconds(120);
    await sessions.repository.apply(sessionCommands.See({}), { id: "again", actor: "grace" });
    clock.advanceSeconds(8 * HOUR);

    const { version, aggregate } = await sessions.repository.apply(
      sessionCommands.LogIn({ tenantId: "acme", device: "phone" }),
      { id: "again", actor: "grace" },
    );
    // Versions go on behind those of the expired session, whether the store still holds these or not.
    expect(version).toBe(3n);
    expect(aggregate).toMatchObject({ state: State.ACTIVE, device: "phone", createAt: clock.now() });
    expect(await sessions.repository.load("again")).toMatchObject({ version: 3n, device: "phone" });
    expect(ids(await sessions.cards.selectByUserId("grace"))).toEqual(["again"]);
  });
});
