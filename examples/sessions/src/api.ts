/** Sessions over HTTP, for whatever calls a function with a request. */
import { fetchHandler, Refusal, serve } from "protosource-es/http";
import { SessionService } from "../gen/example/app/session/v1/session_v1_service_pb.js";
import { UserBanned, WrongCode } from "./session.js";
import type { Sessions } from "./stores.js";

/** Who may revoke sessions, and see those of everybody. */
const ADMINISTRATOR = "admin";

/**
 * Makes the function that answers requests for sessions. Whoever authenticates them, such as a gateway, says in `x-user`
 * who acts.
 */
export function sessionApi({ repository, rows }: Sessions): (request: Request) => Promise<Response> {
  return fetchHandler({
    services: [serve(SessionService, { repository, queries: rows })],
    authorize(request, { name }) {
      const actor = request.headers.get("x-user");
      if (!actor) throw new Refusal("unauthenticated", "nobody is logged in");
      if (actor === ADMINISTRATOR) return { actor };
      if (name === "example.app.session.v1.Revoke") throw new Refusal("permission_denied", "ask an administrator");
      return { actor, sees: (row) => "userId" in row && row.userId === actor };
    },
    onError(error) {
      if (error instanceof UserBanned || error instanceof WrongCode) {
        return new Refusal("permission_denied", error.message, { reason: error.name });
      }
      return undefined;
    },
  });
}
