/** Orders on Express. */
import express, { type ErrorRequestHandler, type Express } from "express";
import { problemOf } from "protosource-es/http";
import { nodeListener } from "protosource-es/http/node";
import { addItem, type Served } from "./orders.js";

export function expressApp({ orderApi, orders }: Served): Express {
  const app = express();
  app.use("/api", nodeListener(orderApi)); // ahead of what reads bodies
  app.use(express.json());
  app.post("/orders/:id/items", async ({ params, body }, response) => {
    response.json(await addItem(orders, params.id, body));
  });
  app.use(tellError);
  return app;
}

const tellError: ErrorRequestHandler = (error, _request, response, next) => {
  // Express and its parsers mark what is for callers.
  if (error.expose === true || response.headersSent) return next(error);
  const { status, headers, body } = problemOf(error);
  if (status >= 500) console.error(error);
  response.status(status).set(headers).json(body);
};
