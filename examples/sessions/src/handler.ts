/** Sessions over HTTP, for whatever calls a function with a request: one path for each command, and one for the cards. */
import { fromJsonString, toJson } from "@bufbuild/protobuf";
import { commandSchema, isProtosourceError } from "protosource-es";
import { SessionCardSchema, SessionSchema } from "../gen/example/app/session/v1/session_v1_pb.js";
import type { SessionAggregate, SessionCommand } from "../gen/example/app/session/v1/session_v1_protosource.js";
import { UserBanned, WrongCode } from "./session.js";
import type { Sessions } from "./stores.js";

/**
 * Makes the function that answers requests. Whoever authenticates them, such as a gateway, says in `x-user` who acts.
 *
 * `POST /{Command}?id=…` applies a command, and `GET /cards` lists the actor's sessions, the last seen first.
 */
export function sessionHandler(session: SessionAggregate, sessions: Sessions): (request: Request) => Promise<Response> {
  return async (request) => {
    const actor = request.headers.get("x-user");
    if (!actor) return answer(401, { error: "nobody is logged in" });
    const { pathname, searchParams } = new URL(request.url);
    const name = pathname.slice(1);
    try {
      if (request.method === "GET" && name === "cards") {
        return await listCards(sessions, actor, searchParams.get("cursor") ?? undefined);
      }
      const command = request.method === "POST" ? readCommand(session, name, await request.text()) : undefined;
      if (!command) return answer(404, { error: `there is no ${request.method} ${pathname}` });
      const id = searchParams.get("id");
      const { aggregate } = await sessions.repository.apply(command, { actor, ...(id === null ? {} : { id }) });
      return answer(200, toJson(SessionSchema, aggregate));
    } catch (error) {
      const status = statusOf(error);
      // What failed inside isn't for callers to know.
      if (status === 500) console.error(error);
      return answer(status, { error: status === 500 || !(error instanceof Error) ? "internal error" : error.message });
    }
  };
}

/** The status that tells a caller what to do: mend the request, give up, look again and decide anew, or try later. */
function statusOf(error: unknown): number {
  if (error instanceof BadBody) return 400;
  if (error instanceof UserBanned || error instanceof WrongCode) return 403;
  if (!isProtosourceError(error)) return 500;
  switch (error.code) {
    case "invalid_argument":
    case "validation_failed":
      return 400;
    case "not_found":
    case "not_created":
      return 404;
    case "already_created":
    case "state_not_allowed":
    case "version_conflict":
    case "claim_taken":
      return 409;
    case "unavailable":
      return 503;
    default:
      return 500;
  }
}

class BadBody extends Error {}

function readCommand(session: SessionAggregate, name: string, body: string): SessionCommand | undefined {
  const schema = commandSchema(session, name);
  try {
    return schema && fromJsonString(schema, body || "{}");
  } catch (cause) {
    throw new BadBody(`the body isn't a ${name}`, { cause });
  }
}

async function listCards({ cards }: Sessions, userId: string, cursor: string | undefined): Promise<Response> {
  const page = await cards.selectByUserId(userId, { limit: 20, reverse: true, cursor });
  return answer(200, { items: page.items.map((card) => toJson(SessionCardSchema, card)), cursor: page.cursor });
}

function answer(status: number, body: unknown): Response {
  return Response.json(body, { status });
}
