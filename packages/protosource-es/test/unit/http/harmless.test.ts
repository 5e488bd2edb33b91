import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAMILY, orderApi, SERVICE } from "./api.js";

const RUNS = 100;
const SECRETS = ["o-bob", "bob's street"];

describe("whatever is asked", () => {
  const paths = fc.oneof(
    fc.constantFrom("Create", "SetShipping", "GetOrder", "LoadOrder", "GetOrderHistory", "SelectOrderByCustomerId"),
    fc.string(),
  );
  const values = fc.oneof(fc.constantFrom("o-ann", "c-bob", "c-ann", "", "1", 1, -1, true, null), fc.jsonValue());
  const messages = fc.dictionary(
    fc.oneof(fc.constantFrom("id", "customerId", "pageToken", "pageSize", "minVersion", "createAt"), fc.string()),
    values,
  );
  const headers = fc.dictionary(
    fc.constantFrom("if-match", "if-none-match", "idempotency-key", "content-type", "accept", "x-request-id", "origin"),
    fc.constantFrom('"1"', "*", "k1", "application/json", "application/protobuf", "application/grpc-web+proto", "x"),
  );

  it("a caller gets an answer, without a stack and without anything of what he may not see", async () => {
    const sees = (row: object): boolean => (row as { customerId: string }).customerId !== "c-bob";
    const authorize = (request: Request) =>
      request.headers.get("x-user") === "bob" ? { actor: "bob" } : { actor: "ann", sees };
    const api = orderApi({ authorize });
    for (const name of ["bob", "ann"]) {
      const headers = { "x-user": name, "idempotency-key": "k1" };
      await api.post("Create", { id: `o-${name}`, customerId: `c-${name}` }, headers);
      await api.post("SetShipping", { id: `o-${name}`, shippingAddress: `${name}'s street` }, { "x-user": name });
    }
    await fc.assert(
      fc.asyncProperty(paths, messages, headers, fc.boolean(), async (path, message, given, isFamily) => {
        const body = JSON.stringify(message);
        const all = { "content-type": "application/json", ...given };
        const url = isFamily
          ? `${FAMILY}/${encodeURIComponent(path.toLowerCase())}`
          : `${SERVICE}/${encodeURIComponent(path)}`;
        for (const init of [{ method: "POST", headers: all, body }, { headers: all }]) {
          const answer = await api.handle(new Request(url, init));
          const text = await answer.text();
          expect(answer.status).not.toBe(500);
          for (const secret of [...SECRETS, "    at ", "node_modules"]) {
            if (!body.includes(secret) && !path.includes(secret)) expect(text).not.toContain(secret);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("nothing is left of it: no listener on the signal of a caller, and no timer", async () => {
    const api = orderApi();
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const calls = Array.from({ length: 400 }, async (_, i) => {
      const caller = new AbortController();
      const request = new Request(`${SERVICE}/Create`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ id: `o${i}` }),
        signal: caller.signal,
      });
      const listenersBefore = getEventListeners(request.signal, "abort").length;
      const answered = api.handle(request);
      if (i % 20 === 0) caller.abort();
      const { status } = await answered;
      return [status, getEventListeners(request.signal, "abort").length - listenersBefore] as const;
    });
    const counts = await Promise.all(calls);
    expect(counts.filter(([status]) => status === 499)).toHaveLength(20);
    expect(counts.filter(([status]) => status === 200)).toHaveLength(380);
    expect(counts.filter(([, listeners]) => listeners > 0)).toEqual([]);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBe(before);
  });
});
