import { isProtosourceError } from "protosource-es";
import type { Refusal } from "./contract.js";
import { lookingKeyring } from "./looking-keyring.js";
import { personalView, wordsOf } from "./personal-view.js";
import { about } from "./routes/about.js";
import { commands } from "./routes/commands.js";
import { domain } from "./routes/domain.js";
import { event } from "./routes/event.js";
import { events } from "./routes/events.js";
import { health } from "./routes/health.js";
import { indexes } from "./routes/indexes.js";
import { parked } from "./routes/parked.js";
import { positions } from "./routes/positions.js";
import { row } from "./routes/row.js";
import { rows } from "./routes/rows.js";
import { state } from "./routes/state.js";
import { streams } from "./routes/streams.js";
import { subscriptions } from "./routes/subscriptions.js";
import { tables } from "./routes/tables.js";
import { test } from "./routes/test.js";
import { verify } from "./routes/verify.js";
import { whatIf } from "./routes/what-if.js";
import type { Route, Studio, StudioOptions } from "./studio.js";

/** By the path of a request. */
const ROUTES: ReadonlyMap<string, Route> = new Map(
  Object.entries({
    ...{ about, streams, events, event, state },
    ...{ domain, indexes, rows, row },
    ...{ commands, "what-if": whatIf, test },
    ...{ subscriptions, parked, positions },
    ...{ health, tables, verify },
  }),
);

const PREFIX = "/api/";

/** The errors that mean something else than a store in trouble, as statuses. */
const STATUSES: { readonly [code: string]: number | undefined } = {
  invalid_argument: 400,
  too_large: 400,
  not_configured: 400,
  denied: 403,
  not_found: 404,
  unavailable: 503,
};

/**
 * Makes the API of the studio: it answers `GET /api/…` with JSON from a store and what is known of its messages, and
 * changes neither. It needs nothing of Node's but gzip, so that a page can have it in itself, over a `MemoryStore`.
 *
 * What is personal is masked in each answer to a request without `personal=shown`, and no key is asked for to show it.
 *
 * An answer holds a page of a long list at most. What can't be answered is a status from 400 on and a {@link Refusal}; the
 * function throws nothing. Price: what each route reads, which the answer tells where there is a meter.
 */
export function studioApi(options: StudioOptions): (request: Request) => Promise<Response> {
  const { schemas } = options;
  const keyring = schemas.keyring && lookingKeyring(schemas.keyring);
  const shared = { ...options, schemas: { ...schemas, keyring }, histories: new Map() };
  return async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const route = pathname.startsWith(PREFIX) ? ROUTES.get(pathname.slice(PREFIX.length)) : undefined;
    if (route === undefined) return refusal(404, "not_found", `nothing answers ${pathname}: take one of the page's`);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refusal(405, "invalid_argument", `${request.method} isn't answered: the studio only reads, by GET`);
    }
    const personal = personalView(schemas, searchParams);
    const studio: Studio = { ...shared, personal };
    try {
      studio.checkIsSame?.();
      return await answer(studio, route, searchParams, request.signal);
    } catch (error) {
      if (!isProtosourceError(error))
        return refusal(500, "bug", `this is a bug of protosource: ${personal.quote(String(error))}`);
      return refusal(STATUSES[error.code] ?? 502, error.code, wordsOf(error, personal));
    }
  };
}

async function answer(studio: Studio, route: Route, query: URLSearchParams, signal: AbortSignal): Promise<Response> {
  if (studio.meter === undefined) return Response.json(await route(studio, query, signal));
  const { result, cost } = await studio.meter.measure(() => route(studio, query, signal));
  return Response.json({ ...result, cost });
}

function refusal(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message } } satisfies Refusal, { status });
}
