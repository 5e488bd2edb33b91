/** Services over HTTP, for every host that answers requests with a function: Connect and gRPC-Web. */
export type { CorsOptions } from "./cors.js";
export { fromJson, type JsonOptions, toJson } from "./edge-json.js";
export { type EventRoutesOptions, eventRoutes } from "./event-routes.js";
export type { AuthorizedCall, FailedCall, Grant } from "./exchange.js";
export { familyRoutes } from "./family-routes.js";
export { type FetchHandlerOptions, fetchHandler } from "./fetch-handler.js";
export { type PageJson, pageFromJson, pageToJson } from "./page-json.js";
export type { ProblemBody } from "./problem.js";
export { type Problem, problemOf } from "./problem-of.js";
export { Refusal, type RefusalCode, type RefusalOptions } from "./refusal.js";
export { refusalOf } from "./refusal-of.js";
export type { BodyLimit, FindRoute, MakeRoutes, Route } from "./routes.js";
export { type ServedService, type ServeOptions, serve } from "./serve.js";
