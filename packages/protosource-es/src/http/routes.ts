import type { Exchange } from "./exchange.js";
import type { ServedService } from "./serve.js";

/** What answers the requests for one path, in one protocol or several that share it. */
export interface Route {
  /** The methods that it takes. */
  readonly methods: readonly string[];
  /** Tells whether it takes a body of a content type, or none. */
  takes(contentType: string): boolean;
  answer(exchange: Exchange): Promise<Response>;
}

/** Finds what answers the requests for a path. */
export type FindRoute = (path: string) => Route | undefined;

/** Makes the routes of a protocol over the services of a handler. */
export type MakeRoutes = (services: readonly ServedService[], limit: BodyLimit) => FindRoute;

/** How long the bodies of requests may be. */
export interface BodyLimit {
  /** In bytes. */
  readonly maxBodyBytes: number;
}
