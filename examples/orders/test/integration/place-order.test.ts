import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Engine, startDynamoDBLocal, startDynoxide } from "@protosource-es/engines";
import { ProtosourceError } from "protosource-es";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ItemAlreadyThere } from "../../src/order.js";
import { placeOrder, statusOf } from "../../src/place-order.js";

// The example uses the tables' default names, so it gets engines of its own.
describe.each([
  ["dynamodb-local", startDynamoDBLocal],
  ["dynoxide", startDynoxide],
] as const)("the README's example on %s", (_, start) => {
  let engine: Engine;
  let client: DynamoDBClient;
  beforeAll(async () => {
    engine = await start();
    client = engine.client();
  });
  afterAll(async () => {
    client.destroy();
    await engine.stop();
  });

  it("places an order and finds it", async () => {
    expect(await placeOrder(client)).toMatchObject([{ customerName: "Ann", totalCents: 2500n, itemCount: 1 }]);
  });
});

describe("statusOf", () => {
  it("tells what is the caller's to mend", () => {
    expect(statusOf(new ItemAlreadyThere("lamp"))).toBe(409);
    expect(statusOf(new ProtosourceError("claim_taken", "it is taken", { scope: "s", owner: "o" }))).toBe(409);
    expect(statusOf(new ProtosourceError("not_created", "no such order", { aggregateId: "o" }))).toBe(404);
  });

  it("throws what it doesn't know", () => {
    expect(() => statusOf(new TypeError("a bug"))).toThrow(TypeError);
  });
});
