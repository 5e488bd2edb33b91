/** Files whose annotations contradict each other: each is the file of the test schema with one mistake. */
import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { defineAggregate, isProtosourceError } from "protosource-es";
import { fileModel } from "protosource-es/model";
import { CollectionAction } from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";
import { describe, expect, test } from "vitest";
import { file_example_app_order_v1_order_v1 } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { defineOrder } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { changedFile, fieldNamed, messageNamed, setRole } from "../../redefine.js";

const orderFile = (change: (proto: FileDescriptorProto) => void): DescFile =>
  changedFile(file_example_app_order_v1_order_v1, change);

/** Changes the collection of ItemAdded. */
function setCollection(
  proto: FileDescriptorProto,
  change: { target?: string; action?: CollectionAction; keyField?: string },
  event = "ItemAdded",
): void {
  const collection = { target: "items", action: CollectionAction.ADD, keyField: "item_id", ...change };
  setRole(proto, event, "event", {
    collection: { $typeName: "funinthecloud.protosource.options.v1.CollectionMapping", ...collection },
  });
}

const cases: readonly (readonly [name: string, reason: RegExp, change: (proto: FileDescriptorProto) => void])[] = [
  [
    "no id",
    /Order has no field id/,
    (proto) => {
      fieldNamed(proto, "Order", "id").name = "key";
    },
  ],
  [
    "a version that isn't int64",
    /Order has int32 version: write int64 version/,
    (proto) => {
      fieldNamed(proto, "Order", "version").type = FieldDescriptorProto_Type.INT32;
    },
  ],
  [
    "a repeated actor",
    /ItemAdded has repeated string actor/,
    (proto) => {
      fieldNamed(proto, "ItemAdded", "actor").label = FieldDescriptorProto_Label.REPEATED;
    },
  ],
  [
    "a command without an actor",
    /Place has no field actor/,
    (proto) => {
      fieldNamed(proto, "Place", "actor").name = "by";
    },
  ],
  [
    "a command that emits nothing",
    /Place emits nothing/,
    (proto) => {
      setRole(proto, "Place", "command", { producesEvents: [] });
    },
  ],
  [
    "a command that emits what isn't an event",
    /Place emits LineItem, which isn't an event/,
    (proto) => {
      setRole(proto, "Place", "command", { producesEvents: ["LineItem"] });
    },
  ],
  [
    "an unknown state to be in",
    /Place names the state STATE_LOST/,
    (proto) => {
      setRole(proto, "Place", "command", { allowedStates: ["STATE_LOST"] });
    },
  ],
  [
    "an unknown state to lead to",
    /Placed names the state STATE_LOST/,
    (proto) => {
      setRole(proto, "Placed", "event", { setsState: "STATE_LOST" });
    },
  ],
  [
    "states without a field state",
    /Order has no enum field state/,
    (proto) => {
      fieldNamed(proto, "Order", "state").name = "phase";
      fieldNamed(proto, "OrderSummary", "state").name = "phase";
    },
  ],
  [
    "namesakes of different types",
    /Placed has string placed_at, and Order has int64 placed_at/,
    (proto) => {
      fieldNamed(proto, "Placed", "placed_at").type = FieldDescriptorProto_Type.STRING;
    },
  ],
  [
    "a stamp of another type",
    /Order has string modify_at: write int64 modify_at/,
    (proto) => {
      fieldNamed(proto, "Order", "modify_at").type = FieldDescriptorProto_Type.STRING;
    },
  ],
  [
    "a collection that isn't there",
    /Order has no field goods/,
    (proto) => {
      setCollection(proto, { target: "goods" });
    },
  ],
  [
    "a collection that isn't a map",
    /Order has string customer_id: a collection is a map/,
    (proto) => {
      setCollection(proto, { target: "customer_id" });
    },
  ],
  [
    "a collection without an action",
    /ItemAdded has a collection without an action/,
    (proto) => {
      setCollection(proto, { action: CollectionAction.UNSPECIFIED });
    },
  ],
  [
    "a key that isn't text",
    /LineItem has int64 price_cents: the key of a collection is text/,
    (proto) => {
      setCollection(proto, { keyField: "price_cents" });
    },
  ],
  [
    "an element of another type",
    /TagAdded adds to items: give it one field, of type example.app.order.v1.LineItem/,
    (proto) => {
      setCollection(proto, { target: "items" }, "TagAdded");
    },
  ],
  [
    "a removal without its key",
    /ItemRemoved has no field item_id/,
    (proto) => {
      fieldNamed(proto, "ItemRemoved", "item_id").name = "item";
    },
  ],
  [
    "a snapshot of something else",
    /Snapshot has example.app.order.v1.Tag snapshot/,
    (proto) => {
      fieldNamed(proto, "Snapshot", "snapshot").typeName = ".example.app.order.v1.Tag";
    },
  ],
  [
    "a projection of what the aggregate lacks",
    /OrderSummary has mood, which the aggregate hasn't/,
    (proto) => {
      fieldNamed(proto, "OrderSummary", "item_count").name = "mood";
    },
  ],
  [
    "a time to live that no clock can count",
    /has event_ttl_seconds 9223372037/,
    (proto) => {
      setRole(proto, "Order", "aggregate", { eventTtlSeconds: 9_223_372_037n });
    },
  ],
  [
    "two aggregates",
    /isn't the only aggregate of its file/,
    (proto) => {
      const { options } = messageNamed(proto, "Order");
      Object.assign(messageNamed(proto, "Tag"), { options });
    },
  ],
  [
    "two snapshots",
    /has more than one snapshot message/,
    (proto) => {
      const { options } = messageNamed(proto, "Snapshot");
      Object.assign(messageNamed(proto, "Placed"), { options });
    },
  ],
];

describe("defineAggregate refuses", () => {
  test.each(cases)("%s", (_, reason, change) => {
    const file = orderFile(change);
    // The model reads it all the same: what is wrong is for others to say.
    expect(fileModel(file).aggregates[0]?.schema.name).toBe("Order");
    const schema = file.messages.find(({ name }) => name === "Order") as DescMessage;
    let thrown: unknown;
    try {
      defineAggregate(schema as never);
    } catch (error) {
      thrown = error;
    }
    expect(isProtosourceError(thrown, "invalid_argument")).toBe(true);
    expect((thrown as Error).message).toMatch(reason);
  });

  test("a message that isn't an aggregate", () => {
    const [tag] = file_example_app_order_v1_order_v1.messages.filter(({ name }) => name === "Tag");
    expect(() => defineAggregate(tag as never)).toThrow(/Tag isn't annotated as an aggregate/);
  });

  test("a rule for a command that isn't there", () => {
    expect(() => defineOrder({ evaluate: { Return: () => "skip" } as never })).toThrow(/Return, which isn't a command/);
  });
});

test("the unchanged file is an aggregate", () => {
  const schema = orderFile(() => {}).messages.find(({ name }) => name === "Order") as DescMessage;
  expect(defineAggregate(schema as never).model.commands).toHaveLength(13);
});
