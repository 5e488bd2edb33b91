/** What callers from outside are told of a refusal. */
import { expect, it } from "vitest";
import { defineSession } from "../gen/example/app/session/v1/session_v1_protosource.js";
import { sessionHandler } from "../src/handler.js";
import { sessionsInMemory } from "../src/stores.js";

it("answers that a value is taken by a conflict, and not by whom", async () => {
  const session = defineSession({
    evaluate: {
      LogIn: (_session, { actor }) => ({ proceed: { LoggedIn: { userId: actor } } }),
      See: () => "proceed",
      Confirm: () => "proceed",
    },
    unique: { device: ({ device }) => device },
  });
  const handle = sessionHandler(session, sessionsInMemory(session));
  const logIn = (user: string, id: string): Promise<Response> =>
    handle(
      new Request(`http://localhost/LogIn?id=${id}`, {
        method: "POST",
        headers: { "x-user": user },
        body: JSON.stringify({ device: "laptop" }),
      }),
    );

  expect((await logIn("alice", "s-1")).status).toBe(200);
  const refused = await logIn("bob", "s-2");
  expect(refused.status).toBe(409);
  expect(await refused.text()).not.toMatch(/s-1|alice|laptop/);
});
