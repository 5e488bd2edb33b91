/** Orders on Hono. */
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { problemOf } from "protosource-es/http";
import { addItem, type Served } from "./orders.js";

export function honoApp({ orderApi, orders }: Served): Hono {
  const app = new Hono();
  app.mount("/api", orderApi);
  app.post("/orders/:id/items", async ({ req, json }) =>
    json(await addItem(orders, req.param("id"), await req.json())),
  );
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse();
    const problem = problemOf(error);
    if (problem.status >= 500) console.error(error);
    return Response.json(problem.body, problem);
  });
  return app;
}
