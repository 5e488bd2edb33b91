import { clone, create, equals, isFieldSet } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { applyEvent, commandSchema, fold } from "protosource-es";
import { describe, expect, test, vi } from "vitest";
import {
  OrderSchema,
  SnapshotSchema as OrderSnapshotSchema,
  State,
} from "../../gen/example/app/order/v1/order_v1_pb.js";
import { orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { Form_Size, FormSchema, SnapshotSchema, Status } from "../../gen/example/app/shapes/v1/shapes_v1_pb.js";
import { defineForm, formEvents } from "../../gen/example/app/shapes/v1/shapes_v1_protosource.js";
import { order } from "../../order.js";

const form = defineForm({
  afterOn: (form) => {
    form.labelCount = form.labels.length;
  },
});
const envelope = { id: "f-1", version: 3n, at: 30n, actor: "bob" };
const full = {
  ...envelope,
  constructor$: "Acme",
  nickname: "",
  rank: 0,
  weight: 1.5,
  seal: Uint8Array.of(0, 255),
  open: true,
  labels: ["a", "b"],
  parts: [{ name: "p" }],
  scores: { x: 2n ** 62n },
  partsByName: { q: { name: "q", count: 1 } },
  due: timestampFromMs(5),
  remark: "",
  mainPart: {},
  size: Form_Size.LARGE,
  contact: { case: "desk", value: { name: "d" } },
} as const;

describe("a plain event", () => {
  test("copies every field that the aggregate has by name", () => {
    const state = fold(form, [formEvents.FilledIn(full as never)]);
    const expected = create(FormSchema, {
      ...(full as object),
      at: 0n,
      modifyAt: 30n,
      modifyBy: "bob",
      labelCount: 2,
    });
    expect(equals(FormSchema, state, expected)).toBe(true);
    expect(state.constructor$).toBe("Acme");
    // Present and empty isn't absent.
    for (const name of ["nickname", "rank", "mainPart", "remark"] as const) {
      expect(isFieldSet(state, FormSchema.field[name])).toBe(true);
    }
  });

  test("clears with unset and zero fields", () => {
    const state = fold(form, [formEvents.FilledIn(full as never), formEvents.FilledIn({ ...envelope, version: 4n })]);
    const cleared = create(FormSchema, { id: "f-1", version: 4n, modifyAt: 30n, modifyBy: "bob" });
    expect(equals(FormSchema, state, cleared)).toBe(true);
    expect(state.contact).toEqual({ case: undefined });
    expect(isFieldSet(state, FormSchema.field.nickname)).toBe(false);
  });

  test("leaves what is unset where the schema says that this keeps it, and nowhere else", () => {
    const before = formEvents.FilledIn(full as never);
    const kept = fold(form, [before, formEvents.Amended({ ...envelope, version: 4n })]);
    expect(kept).toMatchObject({ nickname: "", due: timestampFromMs(5), contact: full.contact, version: 4n });
    expect(isFieldSet(kept, FormSchema.field.nickname)).toBe(true);
    expect(isFieldSet(kept, FormSchema.field.rank)).toBe(false);
    const changes = {
      nickname: "Al",
      rank: 2,
      due: timestampFromMs(9),
      contact: { case: "phone", value: "1" },
    } as const;
    expect(fold(form, [before, formEvents.Amended({ ...envelope, ...changes })])).toMatchObject(changes);
  });

  test("replaces one case of a oneof by another", () => {
    const phone = { contact: { case: "phone", value: "" } } as const;
    const state = fold(form, [formEvents.FilledIn(full as never), formEvents.FilledIn(phone)]);
    expect(state.contact).toEqual({ case: "phone", value: "" });
    const back = fold(form, [formEvents.FilledIn(phone), formEvents.FilledIn(full as never)]);
    expect(back.contact).toMatchObject({ case: "desk", value: { name: "d" } });
  });

  test("shares no list and no map with the aggregate", () => {
    const event = formEvents.FilledIn(full as never);
    const before = clone(FormSchema, fold(form, [event]));
    const state = fold(form, [event]);
    state.labels.push("c");
    applyEvent(form, state, formEvents.Filed({ part: { name: "new" } }));
    expect(equals(FormSchema, fold(form, [event]), before)).toBe(true);
  });

  test("keeps the domain field that is called at", () => {
    const state = create(FormSchema, { at: 7n });
    applyEvent(form, state, formEvents.Opened(envelope));
    expect(state.at).toBe(7n);
  });
});

describe("sets_state", () => {
  test("wins over a field of the event", () => {
    expect(fold(form, [formEvents.Opened({ state: Status.CLOSED })]).state).toBe(Status.OPEN);
  });

  test("also follows a collection event", () => {
    const state = fold(form, [formEvents.Filed({ part: { name: "a" } })]);
    expect(state).toMatchObject({ state: Status.CLOSED, partsByName: { a: { name: "a" } } });
  });
});

describe("stamps", () => {
  test("a creation event sets all four, any other two", () => {
    const started = formEvents.Started({ id: "f-1", version: 1n, at: 10n, actor: "ann" });
    const opened = formEvents.Opened({ id: "f-1", version: 2n, at: 20n, actor: "bob" });
    const state = fold(form, [started, opened]);
    expect(state).toMatchObject({ createAt: 10n, createBy: "ann", modifyAt: 20n, modifyBy: "bob", version: 2n });
  });

  test("an event of a creating and a changing command is no creation", () => {
    expect(fold(form, [formEvents.Opened({ at: 20n, actor: "bob" })])).toMatchObject({ createAt: 0n, createBy: "" });
  });
});

describe("collections", () => {
  const item = { itemId: "i-1", quantity: 1 };

  test("add, overwrite and remove by key", () => {
    const added = fold(order, [
      orderEvents.ItemAdded({ item }),
      orderEvents.ItemAdded({ item: { itemId: "toString", quantity: 2 } }),
      orderEvents.ItemAdded({ item: { itemId: "i-1", quantity: 5 } }),
      orderEvents.ItemAdded({ item: { itemId: "" } }),
      orderEvents.ItemAdded({}),
    ]);
    expect(Object.keys(added.items)).toEqual(["i-1", "toString", ""]);
    expect(added.items["i-1"]).toMatchObject({ quantity: 5 });
    const removed = fold(order, [
      orderEvents.ItemAdded({ item }),
      orderEvents.ItemRemoved({ itemId: "toString" }),
      orderEvents.ItemRemoved({ itemId: "i-1" }),
      orderEvents.ItemRemoved({ itemId: "i-1" }),
    ]);
    expect(removed.items).toEqual({});
  });

  test.each([
    ["ItemAdded", orderEvents.ItemAdded({ item: { itemId: "__proto__" } }), "item.item_id"],
    ["ItemRemoved", orderEvents.ItemRemoved({ itemId: "__proto__" }), "item_id"],
    ["TagAdded", orderEvents.TagAdded({ tag: { key: "__proto__" } }), "tag.key"],
    ["TagRemoved", orderEvents.TagRemoved({ key: "__proto__" }), "key"],
  ])("%s refuses the key __proto__", (_, event, field) => {
    const state = create(OrderSchema);
    expect(() => applyEvent(order, state, event)).toThrow(
      expect.objectContaining({
        code: "validation_failed",
        details: { violations: [expect.objectContaining({ field, rule: "collection.key" })] },
      }),
    );
    expect(Object.getPrototypeOf(state.items)).toBe(Object.prototype);
  });
});

describe("a snapshot", () => {
  const inner = create(FormSchema, { ...(full as object), id: "other", version: 7n, at: 5n, labelCount: 9 });

  test("restores every field but id and version, which are its own", () => {
    const snapshot = create(SnapshotSchema, { ...envelope, version: 8n, actor: "snapshot@system", snapshot: inner });
    const state = create(FormSchema, { nickname: "old", contact: { case: "phone", value: "1" }, modifyBy: "x" });
    applyEvent(form, state, snapshot);
    expect(equals(FormSchema, state, { ...clone(FormSchema, inner), id: "f-1", version: 8n })).toBe(true);
  });

  test("without a state it leaves the aggregate, and takes its version", () => {
    const state = fold(order, [
      orderEvents.Created({ id: "o-1", version: 1n, customerId: "c" }),
      create(OrderSnapshotSchema, { id: "o-1", version: 2n, actor: "snapshot@system" }),
    ]);
    expect(state).toMatchObject({ customerId: "c", version: 2n, modifyBy: "", state: State.DRAFT });
  });
});

test("an event of another aggregate is refused", () => {
  expect(() => applyEvent(form, create(FormSchema), orderEvents.Created({}))).toThrow(
    expect.objectContaining({ code: "unhandled_event", details: { typeName: "example.app.order.v1.Created" } }),
  );
});

test("fold computes derived fields once, at the end", () => {
  let runs = 0;
  const counted = defineForm({
    afterOn: () => {
      runs += 1;
    },
  });
  fold(counted, [formEvents.Started({}), formEvents.Opened({})]);
  expect(runs).toBe(1);
});

test("derived fields that are computed later are refused, and no failure of theirs ends the process", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  for (const afterOn of [async () => {}, () => Promise.reject(new Error("later"))]) {
    const later = defineForm({ afterOn });
    expect(() => fold(later, [])).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off("unhandledRejection", unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

test("commandSchema finds commands by name, and nothing else", () => {
  expect(commandSchema(order, "AddItem")?.typeName).toBe("example.app.order.v1.AddItem");
  for (const name of ["ItemAdded", "additem", "toString", "__proto__", ""]) {
    expect(commandSchema(order, name)).toBeUndefined();
  }
});
