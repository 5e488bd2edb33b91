/** Orders on Fastify. */
import type { JsonValue } from "@bufbuild/protobuf";
import { type FastifyError, type FastifyInstance, fastify } from "fastify";
import { problemOf } from "protosource-es/http";
import { nodeListener } from "protosource-es/http/node";
import { addItem, type Served } from "./orders.js";

/** The prefix of the handler is `/api`: Fastify leaves it in the path. */
export function fastifyApp({ orderApi, orders }: Served): FastifyInstance {
  const app = fastify();
  const listener = nodeListener(orderApi);
  app.register(async (scope) => {
    // Bodies of every type are left for the handler to read.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    scope.all("/api/*", (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
  });
  app.post<{ Params: { id: string }; Body: JsonValue }>("/orders/:id/items", ({ params, body }) =>
    addItem(orders, params.id, body),
  );
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    // Fastify says a status in its own errors, and those are for callers.
    if (error.statusCode !== undefined && error.statusCode < 500) return reply.send(error);
    const { status, headers, body } = problemOf(error);
    if (status >= 500) console.error(error);
    return reply.code(status).headers(headers).send(body);
  });
  return app;
}
