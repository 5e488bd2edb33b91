/** Every rule of a session, without a store: what is accepted, what is skipped, what is refused. */
import { FakeClock, given } from "protosource-es/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { State } from "../gen/example/app/session/v1/session_v1_pb.js";
import { sessionCommands, sessionEvents } from "../gen/example/app/session/v1/session_v1_protosource.js";
import { sessionAggregate, UserBanned, WrongCode } from "../src/session.js";

const banned = new Set<string>();
const session = sessionAggregate({
  isBanned: async (userId) => banned.has(userId),
  isCodeOf: async (userId, code) => code === (userId === "alice" ? "123456" : "654321"),
});

const START = 1_767_225_600_000_000n;
const SECOND = 1_000_000n;
const loggedIn = sessionEvents.LoggedIn({ userId: "alice", tenantId: "acme", device: "laptop", lastSeenAt: START });

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock(START);
  banned.clear();
});

describe("LogIn", () => {
  const logIn = sessionCommands.LogIn({ actor: "alice", tenantId: "acme", device: "laptop", address: "192.0.2.1" });

  it("takes the user and the time from where callers can't choose them", async () => {
    await given(session, [], { clock })
      .when(logIn)
      .then([
        sessionEvents.LoggedIn({
          actor: "alice",
          userId: "alice",
          tenantId: "acme",
          device: "laptop",
          address: "192.0.2.1",
          lastSeenAt: START,
        }),
      ]);
  });

  it("is refused where there is a session already", async () => {
    await given(session, [loggedIn], { clock }).when(logIn).thenRefused("already_created");
  });

  it("is refused to a banned user", async () => {
    banned.add("alice");
    await given(session, [], { clock }).when(logIn).thenRefused(UserBanned);
  });
});

describe("See", () => {
  const see = sessionCommands.See({});

  it("notes the time", async () => {
    clock.advanceSeconds(60);
    await given(session, [loggedIn], { clock })
      .when(see)
      .then([sessionEvents.Seen({ lastSeenAt: START + 60n * SECOND })]);
  });

  it("is skipped within a minute", async () => {
    clock.advanceSeconds(59);
    await given(session, [loggedIn], { clock }).when(see).thenSkipped();
  });

  it("is refused without a session, and after its end", async () => {
    clock.advanceSeconds(60);
    await given(session, [], { clock }).when(see).thenRefused("not_created");
    for (const end of [sessionEvents.LoggedOut({}), sessionEvents.Revoked({})]) {
      await given(session, [loggedIn, end], { clock }).when(see).thenRefused("state_not_allowed");
    }
  });

  it("is refused to a user who is banned meanwhile", async () => {
    banned.add("alice");
    await given(session, [loggedIn], { clock }).when(see).thenRefused(UserBanned);
  });
});

describe("Confirm", () => {
  it("counts for five minutes, and doesn't keep the code", async () => {
    clock.advanceSeconds(10);
    const now = START + 10n * SECOND;
    await given(session, [loggedIn], { clock })
      .when(sessionCommands.Confirm({ code: "123456" }))
      .then([sessionEvents.Confirmed({ lastSeenAt: now, confirmedUntil: now + 300n * SECOND })]);
  });

  it("is refused for what can't be a code, before anybody is asked", async () => {
    await given(session, [loggedIn])
      .when(sessionCommands.Confirm({ code: "12345" }))
      .thenRefused("validation_failed");
  });

  it("is refused for a wrong code", async () => {
    await given(session, [loggedIn], { clock })
      .when(sessionCommands.Confirm({ code: "654321" }))
      .thenRefused(WrongCode);
  });

  it("is refused after the session's end", async () => {
    await given(session, [loggedIn, sessionEvents.LoggedOut({})], { clock })
      .when(sessionCommands.Confirm({ code: "123456" }))
      .thenRefused("state_not_allowed");
  });
});

describe("LogOut and Revoke", () => {
  it("end the session, that of a banned user too", async () => {
    banned.add("alice");
    await given(session, [loggedIn])
      .when(sessionCommands.LogOut({}))
      .then([sessionEvents.LoggedOut({})]);
    await given(session, [loggedIn])
      .when(sessionCommands.Revoke({ actor: "admin", reason: "the laptop was stolen" }))
      .then([sessionEvents.Revoked({ actor: "admin", reason: "the laptop was stolen" })]);
  });

  it("are refused after the session's end", async () => {
    const ended = given(session, [loggedIn, sessionEvents.Revoked({})]);
    await ended.when(sessionCommands.LogOut({})).thenRefused("state_not_allowed");
    await ended.when(sessionCommands.Revoke({})).thenRefused("state_not_allowed");
  });
});

describe("the state", () => {
  it("follows from the events", () => {
    given(session, [{ ...loggedIn, at: START, actor: "alice" }]).then({
      state: State.ACTIVE,
      createAt: START,
      createBy: "alice",
      userId: "alice",
      lastSeenAt: START,
    });
    given(session, [loggedIn, sessionEvents.Revoked({ reason: "stolen" })]).then({
      state: State.REVOKED,
      reason: "stolen",
      device: "laptop",
    });
  });

  it("says when the session ends on its own, as the annotation does", () => {
    const ttlSeconds = session.model.aggregates[0]?.ttlSeconds ?? 0n;
    expect(ttlSeconds).toBeGreaterThan(0n);
    given(session, [{ ...loggedIn, at: START }]).then({ expiresAt: START + ttlSeconds * SECOND });
  });

  it("goes into the card by name", () => {
    given(session, [{ ...loggedIn, id: "s-1", at: START }]).thenProjection("SessionCard", {
      id: "s-1",
      userId: "alice",
      device: "laptop",
      state: State.ACTIVE,
      lastSeenAt: START,
    });
  });
});
