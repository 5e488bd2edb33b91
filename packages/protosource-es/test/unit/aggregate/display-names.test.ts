import { displayNames } from "protosource-es/codegenv1";
import { expect, test } from "vitest";
import { KindSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { StateSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { Form_SizeSchema } from "../../gen/example/app/shapes/v1/shapes_v1_pb.js";

test("drops the prefix and the capitals", () => {
  expect(displayNames(StateSchema)[2]).toBe("Placed");
  expect(displayNames(Form_SizeSchema)).toEqual({ 0: "Unspecified", 1: "Small", 2: "Large" });
});

test("takes the first of two names of one number", () => {
  expect(displayNames(KindSchema)[1]).toBe("Small");
  expect(displayNames(KindSchema)[99]).toBeUndefined();
});

test("keeps a prefix that some value lacks", () => {
  const values = [
    { ...StateSchema.values[0], name: "STATE_READY", number: 0 },
    { ...StateSchema.values[0], name: "LATE_AGAIN", number: 1 },
  ];
  expect(displayNames({ ...StateSchema, values } as never)).toEqual({ 0: "State Ready", 1: "Late Again" });
});
