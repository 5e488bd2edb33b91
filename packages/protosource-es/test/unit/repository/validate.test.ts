/** Rules of buf.validate, as generated code carries them: options whose type nobody has registered. */
import { create, type MessageInitShape, setExtension } from "@bufbuild/protobuf";
import { FieldOptionsSchema, type FileDescriptorProto, MessageOptionsSchema } from "@bufbuild/protobuf/wkt";
import {
  type FieldRules,
  FieldRulesSchema,
  field,
  MessageRulesSchema,
  message,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { decide, Repository, type RepositoryOptions } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { FakeClock, given } from "protosource-es/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { OrderSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { orderCommands, orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";
import { fieldNamed, messageNamed, redefined } from "../../redefine.js";

type Type = FieldRules["type"];

function setRules(
  proto: FileDescriptorProto,
  messageName: string,
  name: string,
  rules: MessageInitShape<typeof FieldRulesSchema>,
): void {
  const annotated = fieldNamed(proto, messageName, name);
  annotated.options ??= create(FieldOptionsSchema);
  setExtension(annotated.options, field, create(FieldRulesSchema, rules));
}

const minLength = (length: bigint): Type =>
  create(FieldRulesSchema, { type: { case: "string", value: { minLen: length } } }).type;

/** The order, whose rules are on a command's fields, on a nested message and on a whole command. */
const ruled = redefined(order, (proto) => {
  for (const name of ["id", "actor", "customer_id"]) setRules(proto, "Create", name, { type: minLength(1n) });
  setRules(
    proto,
    "LineItem",
    "quantity",
    create(FieldRulesSchema, { type: { case: "int32", value: { greaterThan: { case: "gt", value: 0 } } } }),
  );
  setRules(proto, "SetBilling", "billing", { required: true });
  const cancel = messageNamed(proto, "Cancel");
  cancel.options ??= create(MessageOptionsSchema);
  const rule = { id: "cancel.reason", message: "say why", expression: "this.reason != ''" };
  setExtension(cancel.options, message, create(MessageRulesSchema, { cel: [rule] }));
});

const created = orderEvents.Created({ customerId: "c-9" });
const options = { id: "o-1", actor: "ann" };

function repository(repositoryOptions: RepositoryOptions = {}, definition = ruled) {
  const clock = new FakeClock();
  return new Repository(definition, new MemoryStore({ clock }), { clock, ...repositoryOptions });
}

describe("a command with rules", () => {
  test("is refused with each field and rule", async () => {
    const error = await failure(repository().apply(orderCommands.Create({ id: "o-1" })));
    expect(error).toMatchObject({
      code: "validation_failed",
      details: {
        violations: [
          { field: "actor", rule: "string.min_len" },
          { field: "customer_id", jsonField: "customerId", rule: "string.min_len" },
        ],
      },
      message: expect.stringMatching(/Create has wrong fields: actor: .*\(string.min_len\); customer_id: /),
    });
  });

  test("passes with right fields, its id and actor filled in", async () => {
    const orders = repository({ newId: () => "o-1" });
    expect((await orders.apply(orderCommands.Create({ customerId: "c" }), { actor: "ann" })).version).toBe(1n);
  });

  test("is checked in its nested messages, as a whole, and for what is required", async () => {
    const state = given(ruled, [created]);
    await state.when(orderCommands.AddItem({ item: { itemId: "i", quantity: 0 } })).thenRefused("validation_failed");
    await state.when(orderCommands.SetBilling({})).thenRefused("validation_failed");
    await state.when(orderCommands.SetBilling({ billing: {} })).then([orderEvents.BillingSet({ billing: {} })]);
    const orders = repository();
    await orders.apply(orderCommands.Create({ customerId: "c" }), options);
    const item = { itemId: "i", quantity: -1 };
    expect(await failure(orders.apply(orderCommands.AddItem({ item }), options))).toMatchObject({
      details: { violations: [{ field: "item.quantity", rule: "int32.gt" }] },
    });
    expect(await failure(orders.apply(orderCommands.Cancel({}), options))).toMatchObject({
      details: { violations: [{ field: "", jsonField: "", rule: "cancel.reason", message: "say why" }] },
      message: expect.stringContaining("Cancel has wrong fields: say why (cancel.reason)"),
    });
  });

  test("a wrong lifecycle comes before wrong fields, and those before a wrong state", async () => {
    const item = { itemId: "i", quantity: 0 };
    await given(ruled, []).when(orderCommands.AddItem({ item })).thenRefused("not_created");
    const placed = given(ruled, [created, orderEvents.Placed({})]);
    await placed.when(orderCommands.AddItem({ item })).thenRefused("validation_failed");
    await placed.when(orderCommands.AddItem({ item: { ...item, quantity: 1 } })).thenRefused("state_not_allowed");
  });

  test("rules that can't be evaluated are a mistake of the schema", async () => {
    const broken = redefined(order, (proto) => {
      setRules(proto, "Place", "placed_at", { type: minLength(1n) });
    });
    const orders = repository({}, broken);
    await orders.apply(orderCommands.Create({}), options);
    expect(await failure(orders.apply(orderCommands.Place({}), options))).toMatchObject({ code: "invalid_argument" });
  });
});

describe("a function of the caller's own", () => {
  test("takes the place of the rules, for every command", async () => {
    const seen: string[] = [];
    const orders = repository({
      validate(schema, command) {
        seen.push(`${schema.name} ${(command as { id?: string }).id}`);
        return schema.name === "Place" ? [{ field: "placed_at", rule: "own", message: "not today" }] : [];
      },
    });
    await orders.apply(orderCommands.Create({}), options);
    expect(await failure(orders.apply(orderCommands.Place({}), options))).toMatchObject({
      code: "validation_failed",
      details: { violations: [{ field: "placed_at", rule: "own", message: "not today" }] },
    });
    expect(seen).toEqual(["Create o-1", "Place o-1"]);
  });

  test("may be asynchronous", async () => {
    const orders = repository({ validate: async () => [{ field: "", rule: "own", message: "never" }] });
    expect(await failure(orders.apply(orderCommands.Create({}), options))).toMatchObject({ code: "validation_failed" });
  });
});

describe("the validator", () => {
  afterEach(() => {
    vi.doUnmock("@bufbuild/protovalidate");
    vi.resetModules();
  });

  test("is loaded by the first command with rules, and never for one without", async () => {
    vi.resetModules();
    vi.doMock("@bufbuild/protovalidate", () => {
      throw new Error("Cannot find package");
    });
    const fresh = await import("protosource-es");
    const orders = new fresh.Repository(ruled, new MemoryStore(), { materialize: "off" });
    const plain = new fresh.Repository(order, new MemoryStore(), { materialize: "off" });
    await plain.apply(orderCommands.Create({ customerId: "c" }), options);
    expect(await failure(orders.apply(orderCommands.Create({ customerId: "c" }), options))).toMatchObject({
      code: "not_configured",
      details: { option: "validate" },
      message: expect.stringContaining("@bufbuild/protovalidate"),
    });
  });

  test("makes a decision asynchronous once, at the most", async () => {
    const nothing = create(OrderSchema);
    const command = orderCommands.Create({ customerId: "c", ...options });
    const context = { now: 1n, signal: undefined };
    await decide(ruled, nothing, command, context);
    expect(decide(ruled, nothing, command, context)).toMatchObject({ events: [{ customerId: "c" }] });
  });
});
