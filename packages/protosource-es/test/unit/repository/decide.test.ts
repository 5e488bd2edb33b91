import { clone, create, equals } from "@bufbuild/protobuf";
import { decide, fold } from "protosource-es";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { OrderSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { defineOrder, orderCommands, orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { FormSchema, Status } from "../../gen/example/app/shapes/v1/shapes_v1_pb.js";
import { defineForm, formCommands } from "../../gen/example/app/shapes/v1/shapes_v1_protosource.js";
import { TestSchema } from "../../gen/example/app/test/v1/test_v1_pb.js";
import { defineTest, testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";

const context = { now: 7n, signal: undefined };
const envelope = { id: "o-1", actor: "ann" };
const item = { itemId: "i", priceCents: 5n, quantity: 3 };
const draft = fold(order, [orderEvents.Created({ id: "o-1", version: 1n, at: 1n, actor: "bob" })]);

describe("decide", () => {
  test("answers at once, with events, state and what is to be stored", () => {
    const outcome = decide(order, draft, orderCommands.AddItem({ ...envelope, item }), context);
    expect(outcome).toMatchObject({
      skipped: false,
      events: [{ $typeName: "example.app.order.v1.ItemAdded", id: "o-1", version: 2n, at: 7n, actor: "ann", item }],
      stored: [{ version: 2n }],
      aggregate: { version: 2n, totalCents: 15n, modifyBy: "ann", createBy: "bob" },
    });
  });

  test("changes neither the state nor the command", () => {
    const before = clone(OrderSchema, draft);
    const command = orderCommands.AddItem({ ...envelope, item });
    const outcome = decide(order, draft, command, context);
    expect(equals(OrderSchema, draft, before)).toBe(true);
    expect(command).toEqual(orderCommands.AddItem({ ...envelope, item }));
    expect(outcome).toMatchObject({ aggregate: { itemCount: 1 } });
  });

  test("skips with the state as it is", () => {
    const outcome = decide(order, draft, orderCommands.RemoveItem({ ...envelope, itemId: "no" }), context);
    expect(outcome).toEqual({ skipped: true, events: [], stored: [], aggregate: draft });
  });

  test("stores the snapshots that are due between events", () => {
    const card = create(TestSchema);
    const command = testCommands.Create({ ...envelope, body: "b" });
    expect(decide(defineTest(), card, command, context)).toMatchObject({
      stored: [{ version: 1n }, { version: 2n }],
      aggregate: { version: 2n },
    });
    const outcome = decide(defineForm(), create(FormSchema), formCommands.Start(envelope), context);
    // Two events, and the interval is 2: the snapshot comes last, and its inside is a version behind.
    expect(outcome).toMatchObject({
      events: [{ version: 1n }, { version: 2n }],
      stored: [
        { $typeName: "example.app.shapes.v1.Started" },
        { $typeName: "example.app.shapes.v1.Opened" },
        { version: 3n, at: 7n, actor: "snapshot@system", snapshot: { version: 2n, state: Status.OPEN } },
      ],
      aggregate: { version: 3n },
    });
  });

  test("takes a command of any lifecycle with an aggregate and without", () => {
    const file = formCommands.File({ ...envelope, part: { name: "p" } });
    for (const version of [0n, 4n]) {
      expect(decide(defineForm(), create(FormSchema, { version }), file, context)).toMatchObject({
        events: [{ version: version + 1n, part: { name: "p" } }],
        aggregate: { partsByName: { p: {} } },
      });
    }
  });

  test("answers later when a rule does", async () => {
    const slow = defineOrder({ guard: async () => {}, evaluate: { Place: async () => "skip" } });
    const outcome = decide(slow, draft, orderCommands.Place(envelope), context);
    expect(outcome).toBeInstanceOf(Promise);
    expect(await outcome).toMatchObject({ skipped: true });
    const refusing = defineOrder({ guard: () => Promise.reject(new RangeError("no")) });
    expect(
      await failure(Promise.resolve(decide(refusing, draft, orderCommands.Place(envelope), context))),
    ).toBeInstanceOf(RangeError);
  });

  test("asks guard before evaluate, and neither when the state is wrong", async () => {
    const asked: string[] = [];
    const noting = defineOrder({
      guard: (_order, { $typeName }, { now }) => {
        asked.push(`guard ${$typeName.split(".").at(-1)} ${now}`);
      },
      evaluate: {
        AddItem: () => {
          asked.push("AddItem");
          return "proceed";
        },
      },
    });
    await decide(noting, draft, orderCommands.AddItem({ ...envelope, item }), context);
    expect(asked).toEqual(["guard AddItem 7", "AddItem"]);
    const placed = fold(order, [orderEvents.Created({ version: 1n }), orderEvents.Placed({ version: 2n })]);
    expect(() => decide(noting, placed, orderCommands.AddItem({ ...envelope, item }), context)).toThrow(
      expect.objectContaining({ code: "state_not_allowed" }),
    );
    expect(asked).toHaveLength(2);
  });

  test("names a state that has no name by its number", () => {
    const odd = create(OrderSchema, { id: "o-1", version: 1n, state: 77 as never });
    expect(() => decide(order, odd, orderCommands.Place(envelope), context)).toThrow(
      expect.objectContaining({ code: "state_not_allowed", details: expect.objectContaining({ state: "77" }) }),
    );
  });

  test("refuses a command of another aggregate", () => {
    expect(() => decide(order, draft, testCommands.Lock(envelope) as never, context)).toThrow(
      expect.objectContaining({ code: "unhandled_command", details: { typeName: "example.app.test.v1.Lock" } }),
    );
  });
});
