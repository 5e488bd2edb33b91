/** What commands and queries cost, as the engines count it and the documentation says. */
import { randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import { systemClock } from "protosource-es";
import { ensureTables, type ObservedRequest } from "protosource-es/dynamodb";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { State } from "../../gen/example/app/session/v1/session_v1_pb.js";
import { sessionCommands } from "../../gen/example/app/session/v1/session_v1_protosource.js";
import { sessionAggregate } from "../../src/session.js";
import { type Sessions, sessionsOnDynamoDB } from "../../src/stores.js";

const session = sessionAggregate({ isBanned: async () => false, isCodeOf: async () => true });

describe.each(inject("engines"))("on $name", ({ endpoint }) => {
  const tables = { eventsTable: `events-${randomUUID()}`, aggregatesTable: `aggregates-${randomUUID()}` };
  const clock = new FakeClock(systemClock.now());
  let client: DynamoDBClient;
  let sessions: Sessions;
  let requests: ObservedRequest[] = [];

  beforeAll(async () => {
    client = engineClient(endpoint);
    await ensureTables(client, tables);
    sessions = sessionsOnDynamoDB(session, client, {
      ...tables,
      clock,
      onRequest: (request) => requests.push(request),
    });
  });
  afterAll(() => client.destroy());

  /** Gives the operations in alphabetical order, and their units in all. */
  const costOf = async (
    run: () => Promise<unknown>,
  ): Promise<{ readonly operations: string; readonly reads: number; readonly writes: number }> => {
    requests = [];
    await run();
    return {
      operations: requests
        .map(({ operation }) => operation)
        .sort()
        .join(),
      reads: requests.reduce((sum, { readUnits }) => sum + readUnits, 0),
      writes: requests.reduce((sum, { writeUnits }) => sum + writeUnits, 0),
    };
  };
  const see = (): Promise<unknown> => sessions.repository.apply(sessionCommands.See({}), { id: "s-1", actor: "alice" });

  it("a command costs a read for the load, a write for its event, and the writes of its rows", async () => {
    const logIn = sessionCommands.LogIn({ tenantId: "acme", device: "laptop" });
    const created = await costOf(() => sessions.repository.apply(logIn, { id: "s-1", actor: "alice" }));
    // The session is in 3 indexes and the card in 1. DynamoDB Local counts nothing for a query that finds nothing.
    expect(created).toMatchObject({ operations: "PutItem,PutItem,PutItem,Query", writes: 1 + (1 + 3) + (1 + 1) });

    clock.advanceSeconds(60);
    // The time of the last visit is a key of index 1: there the old entry goes and a new one comes, in each row.
    expect(await costOf(see)).toEqual({
      operations: "PutItem,PutItem,PutItem,Query",
      reads: 1,
      writes: 1 + (1 + 2 + 1 + 1) + (1 + 2),
    });
  });

  it("a skipped command costs the read alone", async () => {
    expect(await costOf(see)).toEqual({ operations: "Query", reads: 1, writes: 0 });
  });

  it("a query of an index costs half a read for 4 KB, and a range between two times is one query", async () => {
    const { queries } = sessions;
    const now = clock.now();
    const half = { operations: "Query", reads: 0.5, writes: 0 };
    expect(await costOf(() => queries.selectByUserId("alice"))).toEqual(half);
    expect(await costOf(() => queries.selectByUserId("alice", { lastSeenAt: { between: [now - 1n, now] } }))).toEqual(
      half,
    );
    expect(await costOf(() => queries.selectByState(State.ACTIVE, { createAt: { le: now } }))).toEqual(half);
    expect(await costOf(() => queries.get("s-1"))).toEqual({ ...half, operations: "GetItem" });
  });

  it("a range without a lower bound is more than one query, but for the times that the framework sets", async () => {
    const { queries } = sessions;
    const { operations } = await costOf(() => queries.selectByUserId("alice", { lastSeenAt: { le: clock.now() } }));
    expect(operations).toBe("Query,Query,Query");
  });
});
