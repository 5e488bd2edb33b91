/** What becomes of stored orders when their schema changes: each change of it, with what that comes to. */
import { clone, create, type DescFile, type MessageInitShape, setExtension } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumValueDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorProto,
  OneofDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { compareSchemas, SCHEMA_CHANGES } from "protosource-es/model";
import {
  CollectionAction,
  CollectionMappingSchema,
  type OpaqueFieldOptions,
  OpaqueKeyMappingSchema,
  OpaqueKeyType,
  protosource_opaque_field,
} from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";
import {
  MessageOptionsSchema,
  FieldOptionsSchema as OwnFieldOptionsSchema,
  protosource_es_field,
  protosource_es_message,
  Unset,
} from "protosource-es/proto/protosource_es/options/v1/options_v1_pb.js";
import { describe, expect, it } from "vitest";
import { CustomerOrdersSchema } from "../../gen/example/app/customer/v1/customer_v1_pb.js";
import { OrderSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { changedFile, fieldNamed, messageNamed, setRole } from "../../redefine.js";

type Change = (file: FileDescriptorProto) => void;

const { file: orders } = OrderSchema;

/** Gives what becomes of orders of one schema in another, in short: each severity with its ids. */
function summary(was: Change, now: Change, file: DescFile = orders): string {
  const changes = compareSchemas([changedFile(file, was)], [changedFile(file, now)]);
  return [...new Set(changes.map(({ severity, id }) => `${severity} ${id}`))].sort().join(", ");
}

const nothing: Change = () => {};

/** Edits a field. */
const field =
  (message: string, name: string, values: object): Change =>
  (file) => {
    Object.assign(fieldNamed(file, message, name), values);
  };

const all =
  (...changes: readonly Change[]): Change =>
  (file) => {
    for (const change of changes) change(file);
  };

const renamed = (message: string, name: string, to: string): Change =>
  field(message, name, { name: to, jsonName: to.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) });

const withoutField =
  (message: string, name: string): Change =>
  (file) => {
    const found = messageNamed(file, message);
    found.field = found.field.filter((other) => other.name !== name);
  };

const without =
  (message: string): Change =>
  (file) => {
    file.messageType = file.messageType.filter(({ name }) => name !== message);
  };

const withoutRole =
  (message: string): Change =>
  (file) => {
    messageNamed(file, message).options = undefined;
  };

/** Has a command emit other events. */
const emits =
  (command: string, ...producesEvents: string[]): Change =>
  (file) => {
    setRole(file, command, "command", { producesEvents });
  };

const state =
  (name: string, values: object): Change =>
  (file) => {
    const found = file.enumType[0]?.value.find((value) => value.name === name);
    if (found === undefined) throw new Error(`no state ${name}`);
    Object.assign(found, values);
  };

const setsState =
  (event: string, name: string): Change =>
  (file) => {
    setRole(file, event, "event", { setsState: name });
  };

const lifetime =
  (eventTtlSeconds: bigint): Change =>
  (file) => {
    setRole(file, "Order", "aggregate", { eventTtlSeconds });
  };

const interval =
  (everyNEvents: number): Change =>
  (file) => {
    setRole(file, "Snapshot", "snapshot", { everyNEvents });
  };

const collection =
  (event: string, values: object): Change =>
  (file) => {
    const items = { target: "items", action: CollectionAction.ADD, keyField: "item_id", ...values };
    setRole(file, event, "event", { collection: create(CollectionMappingSchema, items) });
  };

const retired =
  (event: string): Change =>
  (file) => {
    const { options } = messageNamed(file, event);
    if (options) setExtension(options, protosource_es_message, create(MessageOptionsSchema, { retired: "split" }));
  };

const keys =
  (message: string, name: string, ...attributes: { type: OpaqueKeyType; order?: number }[]): Change =>
  (file) => {
    const found = fieldNamed(file, message, name);
    found.options ??= create(FieldOptionsSchema);
    const mapped = attributes.map((attribute) => create(OpaqueKeyMappingSchema, attribute));
    setExtension(found.options, protosource_opaque_field, { attributes: mapped } as OpaqueFieldOptions);
  };

const annotated =
  (message: string, name: string, values: MessageInitShape<typeof OwnFieldOptionsSchema>, edits: object = {}): Change =>
  (file) => {
    const found = Object.assign(fieldNamed(file, message, name), edits);
    found.options ??= create(FieldOptionsSchema);
    setExtension(found.options, protosource_es_field, create(OwnFieldOptionsSchema, values));
  };

const inOneof =
  (message: string, name: string, values: object = {}): Change =>
  (file) => {
    messageNamed(file, message).oneofDecl.push(create(OneofDescriptorProtoSchema, { name: `_${name}` }));
    field(message, name, { oneofIndex: 0, ...values })(file);
  };

const optional = (message: string, name: string): Change => inOneof(message, name, { proto3Optional: true });

const withoutState =
  (name: string): Change =>
  (file) => {
    const [states] = file.enumType;
    if (states) states.value = states.value.filter((value) => value.name !== name);
  };

const inPackage =
  (name: string): Change =>
  (file) => {
    const rename = (messages: readonly DescriptorProto[]): void => {
      for (const message of messages) {
        for (const each of message.field)
          each.typeName = each.typeName.replace(`.${orders.proto.package}.`, `.${name}.`);
        rename(message.nestedType);
      }
    };
    rename(file.messageType);
    file.package = name;
  };

const text = { type: FieldDescriptorProto_Type.STRING, label: FieldDescriptorProto_Label.OPTIONAL };

const added =
  (message: string, name: string, number: number): Change =>
  (file) => {
    messageNamed(file, message).field.push(
      create(FieldDescriptorProtoSchema, { name, number, jsonName: name, ...text }),
    );
  };

/** Adds a message that is like another one. */
const copied =
  (message: string, name: string): Change =>
  (file) => {
    const copy = clone(DescriptorProtoSchema, messageNamed(file, message));
    copy.name = name;
    file.messageType.push(copy);
  };

const int64 = { type: FieldDescriptorProto_Type.INT64 };

const harmful: readonly (readonly [string, Change, string])[] = [
  [
    "an event's field of another type",
    field("Cancelled", "reason", { type: FieldDescriptorProto_Type.BYTES }),
    "breaks FIELD_TYPE",
  ],
  ["an event's field under another number", field("Cancelled", "reason", { number: 6 }), "breaks FIELD_RENUMBERED"],
  ["an event's field removed", withoutField("Cancelled", "reason"), "breaks FIELD_REMOVED"],
  [
    "an aggregate's field removed",
    all(withoutField("Order", "placed_at"), withoutField("OrderSummary", "placed_at")),
    "breaks FIELD_REMOVED, meaning FIELD_DESTINATION, rows INDEX_CHANGED, rows ROW_CHANGED",
  ],
  ["the package renamed", inPackage("example.app.order.v2"), "breaks PACKAGE_CHANGED"],
  ["a state under another number", state("STATE_PLACED", { number: 9 }), "breaks ENUM_VALUE_RENUMBERED"],
  ["an event removed", all(without("TagRemoved"), without("RemoveTag")), "breaks EVENT_REMOVED"],
  [
    "an event renamed",
    all(
      (file) => Object.assign(messageNamed(file, "TagRemoved"), { name: "TagTakenOff" }),
      emits("RemoveTag", "TagTakenOff"),
    ),
    "breaks EVENT_REMOVED",
  ],
  ["the snapshot message removed", without("Snapshot"), "breaks SNAPSHOT_REMOVED, go SNAPSHOT_INTERVAL"],
  ["a projection removed", without("OrderSummary"), "rows ROW_REMOVED"],
  [
    "an event's field renamed",
    renamed("ShippingSet", "shipping_address", "ship_to"),
    "json JSON_NAME, meaning FIELD_DESTINATION",
  ],
  [
    "an aggregate's field renamed",
    renamed("Order", "shipping_address", "ship_to"),
    "json JSON_NAME, meaning FIELD_DESTINATION",
  ],
  [
    "a state renamed",
    all(state("STATE_PLACED", { name: "STATE_ORDERED" }), setsState("Placed", "STATE_ORDERED")),
    "json JSON_NAME, rows INDEX_CHANGED",
  ],
  ["another state set", setsState("Placed", "STATE_PAID"), "meaning SETS_STATE"],
  [
    "another action on a collection",
    collection("ItemAdded", { action: CollectionAction.REMOVE }),
    "meaning COLLECTION",
  ],
  ["another key of a collection", collection("ItemAdded", { keyField: "description" }), "meaning COLLECTION"],
  ["an event without its role", all(withoutRole("TagRemoved"), without("RemoveTag")), "breaks ROLE_CHANGED"],
  ["a time to live", lifetime(3600n), "meaning LIFETIME"],
  ["another key of an index", keys("OrderSummary", "placed_at", { type: OpaqueKeyType.GSI3SK }), "rows INDEX_CHANGED"],
];

describe("the 22 mutations of the orders", () => {
  it.each(harmful)("harmful: %s", (_, change, expected) => {
    expect(summary(nothing, change)).toBe(expected);
  });

  it("harmful to Go alone: another interval of snapshots", () => {
    expect(summary(nothing, interval(20))).toBe("go SNAPSHOT_INTERVAL");
    // Where Go looks for one among 100 records, one of 50 lies there too.
    expect(summary(nothing, interval(100))).toBe("");
  });

  it("safe: a wider number", () => {
    const wider = all(...["Order", "OrderSummary"].map((message) => field(message, "item_count", int64)));
    expect(summary(nothing, wider)).toBe("safe FIELD_WIDENED");
  });

  it("safe: a field of an event and its aggregate, an event, a state", () => {
    const newState: Change = (file) => {
      file.enumType[0]?.value.push(create(EnumValueDescriptorProtoSchema, { name: "STATE_LOST", number: 7 }));
    };
    const newFields = all(added("Order", "note", 17), added("Placed", "note", 6), added("Place", "note", 4));
    expect(summary(nothing, all(newFields, copied("Placed", "Confirmed"), newState))).toBe("");
  });
});

const changes: readonly (readonly [string, Change, Change, string])[] = [
  ["the target of a collection", nothing, collection("ItemAdded", { target: "tags" }), "meaning COLLECTION"],
  [
    "a field that is renamed in the event and in the aggregate",
    nothing,
    all(renamed("ShippingSet", "shipping_address", "ship_to"), renamed("Order", "shipping_address", "ship_to")),
    "json JSON_NAME",
  ],
  ["a name in JSON alone", nothing, field("Placed", "placed_at", { jsonName: "at2" }), "json JSON_NAME"],
  ["a field that can be unset", nothing, optional("ShippingSet", "shipping_address"), "meaning FIELD_PRESENCE"],
  ["a field that can't be unset", optional("Placed", "placed_at"), nothing, "meaning FIELD_PRESENCE"],
  ["a field that gets into a oneof", nothing, inOneof("ShippingSet", "shipping_address"), "meaning FIELD_ONEOF"],
  [
    "what an unset field does",
    optional("ShippingSet", "shipping_address"),
    all(
      optional("ShippingSet", "shipping_address"),
      annotated("ShippingSet", "shipping_address", { unset: Unset.KEEPS }),
    ),
    "meaning UNSET",
  ],
  ["another command that emits the first event", nothing, emits("Place", "Placed", "Created"), "meaning CREATION"],
  [
    "another event that comes first",
    all(copied("Created", "Opened"), emits("Create", "Created", "Opened")),
    all(copied("Created", "Opened"), emits("Create", "Opened", "Created")),
    "meaning CREATION",
  ],
  ["a state that is gone", nothing, withoutState("STATE_SHIPPED"), "meaning ENUM_VALUE_REMOVED, rows INDEX_CHANGED"],
  ["the aggregate's role", nothing, withoutRole("Order"), "breaks ROLE_CHANGED"],
  ["another life without an end", lifetime(60n), nothing, "meaning LIFETIME"],
  ["an event that is retired", nothing, all(retired("TagRemoved"), without("RemoveTag")), "safe EVENT_RETIRED"],
  [
    "what a retired event led to",
    all(retired("Placed"), without("Place")),
    all(retired("Placed"), without("Place"), setsState("Placed", "")),
    "",
  ],
  [
    "a retired event that is emitted again",
    all(retired("TagRemoved"), without("RemoveTag")),
    nothing,
    "meaning EVENT_REVIVED",
  ],
  ["a projection that is new", without("OrderSummary"), nothing, "rows ROW_CHANGED"],
  ["a projection's field that is new", withoutField("OrderSummary", "item_count"), nothing, "rows ROW_CHANGED"],
  ["a field that events held before the aggregate", withoutField("Order", "placed_at"), nothing, "rows ROW_CHANGED"],
  ["an element's field", nothing, withoutField("LineItem", "quantity"), "breaks FIELD_REMOVED"],
  ["a sparse index", nothing, annotated("OrderSummary", "state", { sparseIndexes: [2] }), "rows INDEX_CHANGED"],
  [
    "a key that sorts as a number",
    nothing,
    annotated("OrderSummary", "placed_at", { sortsAsNumber: true }),
    "rows INDEX_CHANGED",
  ],
  [
    "a key that sorts as a number, and is wider",
    annotated("Order", "create_at", { sortsAsNumber: true }, { type: FieldDescriptorProto_Type.INT32 }),
    annotated("Order", "create_at", { sortsAsNumber: true }),
    "rows INDEX_CHANGED, safe FIELD_WIDENED",
  ],
  [
    "a field that is personal, in the event and in the aggregate with a key",
    nothing,
    all(...["Created", "Order"].map((message) => annotated(message, "customer_id", { personal: {} }))),
    "meaning PERSONAL, rows INDEX_CHANGED",
  ],
  [
    "whose a field is",
    annotated("ShippingSet", "shipping_address", { personal: {} }),
    annotated("ShippingSet", "shipping_address", { personal: { subject: "actor" } }),
    "meaning PERSONAL",
  ],
  ["another index", nothing, keys("Order", "item_count", { type: OpaqueKeyType.GSI9PK }), "rows INDEX_CHANGED"],
];

const others: readonly (readonly [string, Change, Change, string])[] = [
  ["a row's field", nothing, field("CustomerOrders", "placed", int64), "safe FIELD_WIDENED"],
  ["a row's field of another type", nothing, field("CustomerOrders", "placed", text), "rows ROW_CHANGED"],
  ["a row that is gone", nothing, without("CustomerOrders"), "rows ROW_REMOVED"],
  ["a row's key", nothing, keys("CustomerOrders", "orders", { type: OpaqueKeyType.PK }), "rows KEY_CHANGED"],
];

describe("of the orders", () => {
  it.each(changes)("%s", (_, was, now, expected) => {
    expect(summary(was, now)).toBe(expected);
  });

  it("each with itself", () => {
    for (const [, was, now] of changes) expect([summary(was, was), summary(now, now)]).toEqual(["", ""]);
  });

  it("all of them", () => {
    const [change, ...more] = compareSchemas([orders], [CustomerOrdersSchema.file]);
    expect(change).toMatchObject({ id: "AGGREGATE_REMOVED", type: "example.app.order.v1.Order", site: undefined });
    expect(more).toEqual([]);
  });
});

describe("of a read model's rows", () => {
  it.each(others)("%s", (_, was, now, expected) => {
    expect(summary(was, now, CustomerOrdersSchema.file)).toBe(expected);
  });
});

describe("a change", () => {
  it("says where it is, what comes of it and what to do", () => {
    const [change] = compareSchemas([orders], [changedFile(orders, withoutField("Cancelled", "reason"))]);
    expect(change).toMatchObject({
      id: "FIELD_REMOVED",
      severity: "breaks",
      type: "example.app.order.v1.Cancelled",
      member: "reason",
      site: { file: orders.proto.name, line: undefined },
      was: { file: orders.proto.name, line: undefined },
    });
    expect(change?.problem).toContain("reason of Cancelled is gone");
    expect(change?.remedy).not.toBe("");
  });

  it.each(Object.values(SCHEMA_CHANGES).flatMap((ids) => Object.keys(ids)))("%s is one of those above", (id) => {
    const expected = [...harmful, ...changes, ...others].map((each) => each.at(-1)).join();
    expect(`${expected} go SNAPSHOT_INTERVAL, breaks AGGREGATE_REMOVED`).toContain(` ${id}`);
  });
});
