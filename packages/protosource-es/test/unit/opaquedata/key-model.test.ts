import type { DescMessage } from "@bufbuild/protobuf";
import { type KeyProblem, keyModel } from "protosource-es/model";
import { autoPKSK } from "protosource-es/opaquedata";
import { describe, expect, test } from "vitest";
import {
  BadlySchema,
  BadlyShownSchema,
  CompositeWithoutOrderSchema,
  DuplicateOrderSchema,
  EverythingSchema,
  InnerSchema,
  NegativeOrderSchema,
  NoPartitionSchema,
  SortWithoutPartitionSchema,
  UnspecifiedKeySchema,
  UnusableTypesSchema,
} from "../../gen/example/app/badkeys/v1/badkeys_v1_pb.js";
import { BagSchema, MarkerSchema, SampleLabelSchema, SampleSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { OrderSchema, OrderSummarySchema } from "../../gen/example/app/order/v1/order_v1_pb.js";

/** The problems of a message as `field rule`. */
function problemsOf(schema: DescMessage, severity: KeyProblem["severity"] = "error"): string[] {
  const problems = keyModel(schema)?.problems.filter((problem) => problem.severity === severity) ?? [];
  return problems.map(({ field, rule }) => `${field?.name ?? schema.name} ${rule}`).sort();
}

describe.each<[DescMessage, readonly string[]]>([
  [BadlySchema, ["id given_key", "version given_key"]],
  [BadlyShownSchema, ["id given_key"]],
  [NoPartitionSchema, ["NoPartition no_partition_key"]],
  [NegativeOrderSchema, ["id negative_order"]],
  [CompositeWithoutOrderSchema, ["a missing_order"]],
  [DuplicateOrderSchema, ["b duplicate_order"]],
  [SortWithoutPartitionSchema, ["name sort_without_partition"]],
  [UnusableTypesSchema, ["inner field_type", "inners field_type", "names field_type"]],
  [UnspecifiedKeySchema, ["name unknown_key"]],
  [
    EverythingSchema,
    [
      "Everything no_partition_key",
      "a negative_order",
      "c duplicate_order",
      "d field_type",
      "d sort_without_partition",
    ],
  ],
])("%s", (schema, problems) => {
  test("reports each problem", () => {
    expect(problemsOf(schema)).toEqual(problems);
  });

  test("has no keys, and says why and what to write", () => {
    const messages = keyModel(schema)?.problems.flatMap(({ severity, message }) =>
      severity === "error" ? message : [],
    );
    expect(messages?.length).toBeGreaterThan(0);
    for (const message of messages ?? []) {
      expect(() => autoPKSK(schema)).toThrow(
        expect.objectContaining({
          code: "not_keyed",
          details: { typeName: schema.typeName },
          message: expect.stringContaining(message),
        }),
      );
    }
  });
});

test("an index without a sort key is a warning, which keeps nothing from being stored", () => {
  expect(problemsOf(SampleSchema, "warning")).toEqual(["bool_value partition_without_sort"]);
  expect(problemsOf(MarkerSchema)).toEqual([]);
});

test("a message that is neither an aggregate, nor a projection, nor annotated has no model", () => {
  expect(keyModel(InnerSchema)).toBeUndefined();
});

test("the model tells the roles, and whose partition and time to live a message shares", () => {
  expect(keyModel(OrderSchema)).toMatchObject({ role: "aggregate", fixedSortKey: "AGG" });
  expect(keyModel(OrderSummarySchema)).toMatchObject({ role: "projection", fixedSortKey: "PROJ#OrderSummary" });
  expect(keyModel(OrderSummarySchema)?.aggregate).toBe(OrderSchema);
  expect(keyModel(SampleLabelSchema)?.aggregate).toBe(SampleSchema);
  expect(keyModel(BagSchema)).toMatchObject({ role: "other", aggregate: undefined, fixedSortKey: undefined });
});
