import { fileModel } from "protosource-es/model";
import { expect, test } from "vitest";
import { file_example_app_order_v1_order_v1 } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { file_example_app_shapes_v1_shapes_v1 } from "../../gen/example/app/shapes/v1/shapes_v1_pb.js";
import { file_example_app_test_v1_test_v1 } from "../../gen/example/app/test/v1/test_v1_pb.js";

test("tells the roles of a file", () => {
  const model = fileModel(file_example_app_test_v1_test_v1);
  const [create, update] = model.commands;
  expect(model.enabled).toBe(true);
  expect(model.aggregates.map(({ schema, ttlSeconds }) => [schema.name, ttlSeconds])).toEqual([["Test", 86_400n]]);
  expect(create).toMatchObject({ lifecycle: "creation", events: ["Created", "Unlocked"], allowedStates: [] });
  expect(update).toMatchObject({ lifecycle: "mutation", events: ["Updated"], allowedStates: ["STATE_UNLOCKED"] });
  expect(model.events.map(({ schema, creation, setsState }) => [schema.name, creation, setsState])).toEqual([
    ["Created", true, undefined],
    ["Updated", false, undefined],
    ["Locked", false, "STATE_LOCKED"],
    ["Unlocked", false, "STATE_UNLOCKED"],
  ]);
  expect(model.snapshots.map(({ interval }) => interval)).toEqual([3]);
  expect(model.projections).toEqual([]);
});

test("tells collections, projections and commands of any lifecycle", () => {
  const orders = fileModel(file_example_app_order_v1_order_v1);
  expect(orders.projections.map(({ schema }) => schema.name)).toEqual(["OrderSummary"]);
  expect(orders.events.find(({ schema }) => schema.name === "ItemRemoved")?.collection).toEqual({
    target: "items",
    action: "remove",
    keyField: "item_id",
  });
  const forms = fileModel(file_example_app_shapes_v1_shapes_v1);
  expect(forms.commands.find(({ schema }) => schema.name === "File")?.lifecycle).toBe("any");
});
