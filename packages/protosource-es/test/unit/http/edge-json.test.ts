import { create, equals, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { isProtosourceError, ProtosourceError } from "protosource-es";
import {
  fromJson,
  type JsonOptions,
  pageFromJson,
  pageToJson,
  problemOf,
  Refusal,
  refusalOf,
  toJson,
} from "protosource-es/http";
import { describe, expect, it } from "vitest";
import {
  CreatedSchema,
  CreateSchema,
  OrderSchema,
  PlaceSchema,
  State,
} from "../../gen/example/app/order/v1/order_v1_pb.js";
import { orderApi, SERVICE } from "./api.js";

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: fc.constantFrom("a", "ä", "🎈", '"', "\\", "\n", "\u{2028}", "0", "Z") });
const item = fc.record({ itemId: text, description: text, priceCents: long, quantity: fc.integer() });

/** Orders that nobody would make, as far as their fields hold them. */
const order = fc
  .record({
    ...{ id: text, version: long, customerId: text, createBy: text, shippingAddress: text },
    ...{ createAt: long, modifyAt: long, placedAt: long, totalCents: long, itemCount: fc.integer() },
    state: fc.constantFrom(State.UNSPECIFIED, State.DRAFT, State.CANCELLED, 99 as State),
    items: fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "items")), item),
    billing: fc.option(fc.record({ method: text, reference: text }), { nil: undefined }),
  })
  .map((fields) => create(OrderSchema, fields as MessageInitShape<typeof OrderSchema>));

const options: fc.Arbitrary<JsonOptions> = fc.record({
  times: fc.constantFrom("numbers" as const, "texts" as const, undefined),
  timeFields: fc.constantFrom(undefined, ["placed_at"]),
});

/** What a message's JSON is once it has been sent. */
const sent = (json: unknown): JsonValue => JSON.parse(JSON.stringify(json)) as JsonValue;

const RUNS = { numRuns: Number(process.env["RUNS"] ?? 100) };

describe("a message as JSON", () => {
  it("is the same message again, whichever times it has and however they are written", () => {
    fc.assert(
      fc.property(order, options, (message, how) => {
        const json = sent(toJson(OrderSchema, message, how));
        expect(equals(OrderSchema, fromJson(OrderSchema, json, how), message)).toBe(true);
      }),
      RUNS,
    );
  });

  it("is what the handler answers, so that a client reads that with it", async () => {
    const api = orderApi();
    await api.post("Create", { id: "o1", customerId: "c1" });
    const loaded = await api.repository.load("o1");
    expect((await api.post("LoadOrder", { id: "o1" })).json).toEqual(toJson(OrderSchema, loaded));
    const { json } = await api.post("SelectOrderByCustomerId", { customerId: "c1" });
    expect(pageFromJson(OrderSchema, json as JsonValue)).toEqual({ items: [loaded] });
  });

  it("has its times as texts of ISO 8601 where that is asked for", () => {
    const at = 1_769_860_800_000_001n;
    const fields = { createAt: at, modifyAt: at - 1n, placedAt: at + 499_999n };
    const message = create(OrderSchema, fields);
    expect(toJson(OrderSchema, message)).toEqual({
      createAt: "1769860800000001",
      modifyAt: "1769860800000000",
      placedAt: "1769860800500000",
    });
    expect(toJson(OrderSchema, message, { times: "texts", timeFields: ["placed_at"] })).toEqual({
      createAt: "2026-01-31T12:00:00.000001Z",
      modifyAt: "2026-01-31T12:00:00Z",
      placedAt: "2026-01-31T12:00:00.500Z",
    });
    const event = create(CreatedSchema, { at });
    expect(toJson(CreatedSchema, event, { times: "texts" })).toEqual({ at: "2026-01-31T12:00:00.000001Z" });
    const elsewhere = { at: "2026-01-31T13:00:00.000001+01:00" };
    expect(fromJson(CreatedSchema, elsewhere)).toEqual(event);
    const before = create(OrderSchema, { createAt: -1n });
    expect(toJson(OrderSchema, before, { times: "texts" })).toEqual({ createAt: "1969-12-31T23:59:59.999999Z" });
  });

  it("of a command has no actor, who is for the server to say", () => {
    const command = create(CreateSchema, { id: "o1", actor: "ann" });
    expect(toJson(CreateSchema, command)).toEqual({ id: "o1" });
    expect(fromJson(CreateSchema, { id: "o1" })).toEqual(create(CreateSchema, { id: "o1" }));
    expect(() => fromJson(CreateSchema, { id: "o1", actor: "eve" })).toThrow("actor");
  });

  it("of a page goes on by its token", () => {
    const page = { items: [create(OrderSchema, { id: "o1", createAt: 5n })], cursor: "next" };
    const json = pageToJson(OrderSchema, page, { times: "texts" });
    expect(json).toEqual({ items: [{ id: "o1", createAt: "1970-01-01T00:00:00.000005Z" }], nextPageToken: "next" });
    expect(pageFromJson(OrderSchema, sent(json))).toEqual(page);
    expect(pageFromJson(OrderSchema, sent(pageToJson(OrderSchema, { items: [] })))).toEqual({ items: [] });
  });
});

/** A secret that no error may tell. */
const SECRET = "s3cr3t";
const nested = (depth: number): JsonValue => JSON.parse(`${'{"items":{"a":'.repeat(depth)}1${"}}".repeat(depth)}`);

describe("JSON of strangers", () => {
  it.each<[string, JsonValue]>([
    ["no object", SECRET],
    ["null", null],
    ["a list", [SECRET]],
    ["a field that nobody knows", { [SECRET]: 1 }],
    ["a text for a number", { version: SECRET }],
    ["a number that a double rounds", { version: 2 ** 53 }],
    ["a fraction", { version: 1.5 }],
    ["a number beyond 64 bits", { version: "9223372036854775808" }],
    ["a number in a list of none", { items: { a: { priceCents: 1e300 } } }],
    ["a time that is none", { createAt: "2026-02-31T25:00:00Z" }],
    ["a state that nobody knows", { state: SECRET }],
    ["a list for a map", { items: [SECRET] }],
    ["a depth that nobody means", nested(20_000)],
    ["a prototype", JSON.parse('{"__proto__":{"id":"o1"}}')],
  ])("is refused without its values: %s", (_, json) => {
    const error = failureOf(() => fromJson(OrderSchema, json, { times: "texts" }));
    expect(isProtosourceError(error, "invalid_argument")).toBe(true);
    expect(JSON.stringify(error)).not.toContain(SECRET);
  });

  it("is a message, or refused in the one way, whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), options, (json, how) => {
        for (const read of [
          () => fromJson(PlaceSchema, json as JsonValue, how),
          () => fromJson(OrderSchema, { items: { a: json }, createAt: json } as JsonValue, how),
          () => pageFromJson(OrderSchema, json as JsonValue, how),
          () => refusalOf(json as JsonValue),
        ]) {
          const error = failureOf(read);
          expect(error === undefined || isProtosourceError(error, "invalid_argument")).toBe(true);
        }
      }),
      RUNS,
    );
  });
});

function failureOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("an error as JSON", () => {
  const violations = [{ field: "id", rule: "string.min_len", message: "id is empty" }];
  it.each([
    new ProtosourceError("version_conflict", "o1 has moved on", { aggregateId: "o1", version: 2n ** 60n }),
    new ProtosourceError("state_not_allowed", "it is sent", { state: "STATE_SENT", allowed: ["STATE_DRAFT"] } as never),
    new ProtosourceError("validation_failed", "the id", { violations } as never),
    new Refusal("already_exists", "it is there", { reason: "item_already_there" }),
    new Refusal("invalid_argument", "", { status: 418 }),
    new Error("a secret"),
  ])("is the same problem again: %s", (error) => {
    const { body } = problemOf(error);
    expect(problemOf(refusalOf(sent(body))).body).toEqual(body);
  });

  it("is read as the handler sends it, by either protocol", async () => {
    const { handle, post } = orderApi();
    const { json } = await post("Place", { id: "o1" });
    const refusal = refusalOf(json as JsonValue);
    expect(refusal).toMatchObject({ code: "not_found", reason: "not_created", message: expect.stringContaining("o1") });
    const nowhere = await handle(new Request(`${SERVICE}/Nowhere`, { method: "POST" }));
    expect(refusalOf((await nowhere.json()) as JsonValue)).toMatchObject({ code: "not_found", status: 404 });
  });
});
