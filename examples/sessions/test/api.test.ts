/** What callers from outside are told of a refusal, and what they see. */
import { describe, expect, it } from "vitest";
import { defineSession } from "../gen/example/app/session/v1/session_v1_protosource.js";
import { sessionApi } from "../src/api.js";
import { sessionAggregate } from "../src/session.js";
import { sessionsInMemory } from "../src/stores.js";

async function call(
  api: (request: Request) => Promise<Response>,
  user: string,
  rpc: string,
  message: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await api(
    new Request(`http://localhost/example.app.session.v1.SessionService/${rpc}`, {
      method: "POST",
      headers: { "x-user": user, "content-type": "application/json" },
      body: JSON.stringify(message),
    }),
  );
  return { status: answer.status, text: await answer.text() };
}

describe("the API of sessions", () => {
  it("answers that a value is taken by a conflict, and not by whom", async () => {
    const session = defineSession({
      evaluate: {
        LogIn: (_session, { actor }) => ({ proceed: { LoggedIn: { userId: actor } } }),
        See: () => "proceed",
        Confirm: () => "proceed",
      },
      unique: { device: ({ device }) => device },
    });
    const api = sessionApi(sessionsInMemory(session));
    expect((await call(api, "alice", "LogIn", { id: "s-1", device: "laptop" })).status).toBe(200);
    const refused = await call(api, "bob", "LogIn", { id: "s-2", device: "laptop" });
    expect(refused.status).toBe(409);
    expect(refused.text).not.toMatch(/s-1|alice|laptop/);
  });

  it("shows users what is theirs, and an administrator everything", async () => {
    const session = sessionAggregate({ isBanned: async () => false, isCodeOf: async () => true });
    const api = sessionApi(sessionsInMemory(session));
    await call(api, "alice", "LogIn", { id: "s-1", tenantId: "acme" });
    const seenBy = async (user: string): Promise<readonly (readonly [number, boolean])[]> => {
      const answers = [
        await call(api, user, "GetSession", { id: "s-1" }),
        await call(api, user, "GetSessionHistory", { id: "s-1" }),
        await call(api, user, "SelectSessionByTenantId", { tenantId: "acme" }),
        await call(api, user, "SelectSessionCardByUserId", { userId: "alice" }),
      ];
      return answers.map(({ status, text }) => [status, text.includes("alice")]);
    };
    const all = [200, 200, 200, 200].map((status) => [status, true]);
    expect([await seenBy("alice"), await seenBy("admin")]).toEqual([all, all]);
    expect((await seenBy("bob")).map(([status]) => status)).toEqual([404, 404, 200, 200]);
    expect((await call(api, "bob", "SelectSessionCardByUserId", { userId: "alice" })).text).toBe("{}");
    expect((await call(api, "bob", "Revoke", { id: "s-1" })).status).toBe(403);
    expect((await call(api, "admin", "Revoke", { id: "s-1" })).status).toBe(200);
  });
});
