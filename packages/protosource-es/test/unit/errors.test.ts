/** What an error is known by, and what it is on its way out of a program: into a log, an answer or another thread. */
import { runInNewContext } from "node:vm";
import { isProtosourceError, ProtosourceError, Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { describe, expect, test } from "vitest";
import { failure } from "../failure.js";
import { defineOrder, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";

const unanswered = new ProtosourceError(
  "partial_save",
  "the save failed",
  { aggregateId: "a#1", committed: 9007199254740993n, commitId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 255) },
  { cause: Object.assign(new Error("socket hang up"), { code: "ECONNRESET", $response: { held: 5n } }) },
);

const plain = {
  name: "ProtosourceError",
  code: "partial_save",
  message: "the save failed",
  details: { aggregateId: "a#1", committed: "9007199254740993", commitId: "AQIDBAUGB/8=" },
  cause: { name: "Error", code: "ECONNRESET", message: "socket hang up" },
};

describe("an error as JSON", () => {
  test("has its code, its details and what is known of its cause", async () => {
    expect(unanswered.toJSON()).toEqual(plain);
    expect(JSON.parse(JSON.stringify({ level: "error", error: unanswered }))).toEqual({ level: "error", error: plain });
    expect(await Response.json(unanswered).json()).toEqual(plain);
  });

  test("can be made of its details alone, and of its own properties, as loggers copy them", () => {
    expect(JSON.parse(JSON.stringify(unanswered.details))).toEqual(plain.details);
    expect(JSON.parse(JSON.stringify({ ...unanswered }))).toMatchObject({ code: plain.code, details: plain.details });
  });

  test("has what a store said, and lists within details", async () => {
    const orders = new Repository(defineOrder(), new MemoryStore());
    await orders.apply(orderCommands.Create({ id: "o-1", customerId: "c-1" }), { actor: "ann" });
    const again = orders.apply(orderCommands.Create({ id: "o-1", customerId: "c-1" }), { actor: "ann" });
    expect(JSON.parse(JSON.stringify(await failure(again)))).toMatchObject({
      code: "already_created",
      details: { aggregateId: "o-1", version: "1" },
    });
    const violations = [{ field: "id", rule: "string.min_len", message: "is too short" }];
    const invalid = new ProtosourceError("validation_failed", "wrong fields", { violations });
    expect(invalid.toJSON()).toEqual({
      name: "ProtosourceError",
      code: "validation_failed",
      message: "wrong fields",
      details: { violations },
    });
  });

  test.each([
    ["an error of this package", new ProtosourceError("denied", "no", { reason: "x" }), { code: "denied" }],
    ["what isn't an error", { wrong: 5n }, { name: "Error", message: "" }],
    ["text", "late", undefined],
    ["an error behind itself", Object.assign(new Error("round"), { cause: unanswered }), { message: "round" }],
  ])("summarises a cause that is %s", (_, cause, expected) => {
    const error = new ProtosourceError("not_keyed", "no keys", { typeName: "a.B" }, { cause });
    const { cause: summary } = JSON.parse(JSON.stringify(error));
    if (expected === undefined) expect(summary).toBeUndefined();
    else expect(summary).toMatchObject(expected);
  });

  test("crosses to another thread, where the error itself loses its code", () => {
    expect(structuredClone(unanswered.toJSON())).toEqual(plain);
    expect(structuredClone(unanswered.details)).toEqual(unanswered.details);
    expect(isProtosourceError(structuredClone(unanswered))).toBe(false);
  });
});

const shape = { name: "ProtosourceError", code: "denied", details: { reason: "r" } };
const elsewhere: unknown = runInNewContext("Object.assign(new Error('denied'), shape)", { shape });

test.each([
  ["this copy of the package", new ProtosourceError("denied", "denied", { reason: "r" })],
  ["another copy", Object.assign(new Error("denied"), shape)],
  ["another realm", elsewhere],
])("an error of %s is known, and its code", (_, error) => {
  expect(isProtosourceError(error)).toBe(true);
  expect(isProtosourceError(error, "denied")).toBe(true);
  expect(isProtosourceError(error, "not_found")).toBe(false);
});

test.each([
  undefined,
  null,
  "ProtosourceError",
  new Error("denied"),
  Object.assign(new Error("denied"), { code: "denied" }),
])("%s isn't one", (value) => {
  expect(isProtosourceError(value)).toBe(false);
});
