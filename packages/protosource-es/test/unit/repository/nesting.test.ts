/** Messages that hold themselves: nothing is stored that couldn't be read again. */
import { create } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { commandSchema, Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { binarySerializer, jsonSerializer } from "protosource-es/serializer";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { defineOrder, type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { messageNamed, redefined, setRole } from "../../redefine.js";

/** The order with items that may hold an item, and a snapshot after each event. */
const order = redefined<OrderTypes>(defineOrder(), (proto) => {
  messageNamed(proto, "LineItem").field.push(
    create(FieldDescriptorProtoSchema, {
      name: "part",
      jsonName: "part",
      number: 9,
      label: FieldDescriptorProto_Label.OPTIONAL,
      type: FieldDescriptorProto_Type.MESSAGE,
      typeName: ".example.app.order.v1.LineItem",
    }),
  );
  setRole(proto, "Snapshot", "snapshot", { everyNEvents: 1 });
});

interface Item {
  readonly itemId: string;
  readonly part?: Item;
}

function nested(depth: number): Item {
  let item: Item = { itemId: "i-1" };
  for (let i = 1; i < depth; i++) item = { itemId: "i-1", part: item };
  return item;
}

function addItem(depth: number) {
  const schema = commandSchema(order, "AddItem");
  if (schema === undefined) throw new Error("no command AddItem");
  return create(schema, { item: nested(depth) } as object) as ReturnType<typeof orderCommands.AddItem>;
}

describe.each([
  ["binary", binarySerializer],
  ["JSON", jsonSerializer],
])("with the %s serializer, an event", (_, serializer) => {
  test("of 100 levels is stored, and read again from the event and from a snapshot", async () => {
    const store = new MemoryStore();
    const orders = new Repository(order, store, { serializer });
    await orders.apply(orderCommands.Create({ customerId: "c-9" }), { id: "o-1", actor: "ann" });
    const { version } = await orders.apply(addItem(99), { id: "o-1", actor: "ann" });
    expect(version).toBe(4n);
    expect(Object.keys((await orders.load("o-1")).items)).toEqual(["i-1"]);
    expect(await orders.history("o-1")).toHaveLength(2);
    expect((await store.opaqueStore.get({ pk: "example_app_order_v1#order#id#o-1", sk: "AGG" }))?.version).toBe(4n);
  });

  test("of more levels is refused, by apply and by save, and the aggregate can still be loaded", async () => {
    const orders = new Repository(order, new MemoryStore(), { serializer });
    await orders.apply(orderCommands.Create({ customerId: "c-9" }), { id: "o-1", actor: "ann" });
    const refused = { code: "invalid_argument", message: expect.stringContaining("nests too deep") };
    const command = addItem(100);
    expect(await failure(orders.apply(command, { id: "o-1", actor: "ann" }))).toMatchObject(refused);
    const [event] = (await orders.apply(addItem(1), { id: "o-1", actor: "ann" })).events;
    if (event === undefined) throw new Error("no event");
    const copy = { ...event, version: 0n, ...(command.item === undefined ? {} : { item: command.item }) };
    expect(await failure(orders.save("o-1", [copy]))).toMatchObject(refused);
    expect((await orders.load("o-1")).version).toBe(4n);
  });
});
