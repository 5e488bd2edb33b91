import { api } from "protosource-es/testing";
import { describe, expect, it } from "vitest";
import { orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { orderApi, SERVICE } from "./api.js";

const created = orderEvents.Created({ customerId: "c1" });
const post = (rpc: string, message: object): Request =>
  new Request(`${SERVICE}/${rpc}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(message),
  });
const setShipping = post("SetShipping", { id: "o1", shippingAddress: "Dock 3" });
const shippingSet = orderEvents.ShippingSet({ shippingAddress: "Dock 3", actor: "ann" });

describe("a test of a handler", () => {
  it("expects a status and the events of the request", async () => {
    const { handle, repository } = orderApi();
    const answer = await api(handle, repository)
      .given("o1", [created])
      .when(setShipping.clone())
      .then(200, [shippingSet]);
    expect(await answer.json()).toEqual({ id: "o1", version: "2" });
    await api(handle, repository)
      .given("o1")
      .when(post("GetOrder", { id: "o1" }))
      .then(200);
    await api(handle, repository)
      .given("o2")
      .when(post("Place", { id: "o2" }))
      .then(404);
  });

  it.each([
    ["another status", 404, [], "expected the status 404, but it was 200"],
    ["other events", 200, [orderEvents.ShippingSet({ shippingAddress: "Dock 4" })], "Dock 4"],
    ["an event less", 200, [], "expected none"],
  ] as const)("fails for %s", async (_, status, events, why) => {
    const { handle, repository } = orderApi();
    const asked = api(handle, repository).given("o1", [created]).when(setShipping.clone());
    await expect(asked.then(status, events)).rejects.toThrow(why);
  });

  it("can't be forgotten to expect something", async () => {
    const { handle, repository } = orderApi();
    const asked = api(handle, repository).given("o1", [created]).when(setShipping.clone());
    await expect(Promise.resolve(asked as unknown as PromiseLike<unknown>)).rejects.toThrow(".then(status, […])");
  });
});
