import { readFileSync } from "node:fs";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { autoPKSK, KEY_ATTRIBUTES, type OpaqueRow, opaqueDataFromMessage, rehydrate } from "protosource-es/opaquedata";
import { OpaqueDataSchema } from "protosource-es/proto";
import { describe, expect, test } from "vitest";
import { OrderSchema, State as OrderState, OrderSummarySchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { State, TestSchema } from "../../gen/example/app/test/v1/test_v1_pb.js";

type Item = Readonly<Record<string, { readonly S?: string; readonly N?: string; readonly B?: string }>>;

function goldenRows(file: string): Item[] {
  const url = new URL(`../../golden/${file}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { readonly aggregates: Item[] }).aggregates;
}

function rowOf(item: Item): OpaqueRow {
  const row = create(OpaqueDataSchema, { t: BigInt(item["t"]?.N ?? 0), body: base64Decode(item["body"]?.B ?? "") });
  for (const attribute of KEY_ATTRIBUTES) row[attribute] = item[attribute]?.S ?? "";
  return row;
}

const cases: readonly {
  readonly file: string;
  readonly item: number;
  readonly schema: DescMessage;
  readonly holds: object;
}[] = [
  {
    file: "order_v1",
    item: 0,
    schema: OrderSchema,
    holds: { id: "o#1", version: 4n, state: OrderState.PLACED, customerId: "c-9", placedAt: -5n },
  },
  {
    file: "order_v1",
    item: 1,
    schema: OrderSummarySchema,
    holds: { id: "o#1", state: OrderState.PLACED, itemCount: 1, placedAt: -5n },
  },
  {
    file: "test_v1",
    item: 0,
    schema: TestSchema,
    holds: { id: "t-1", state: State.LOCKED, color: "red", shape: "oval", number: "two", shading: "solid" },
  },
  {
    file: "test_v1_jsonserializer",
    item: 0,
    schema: TestSchema,
    holds: { id: "j-1", state: State.UNLOCKED, color: "", createBy: "alice" },
  },
];

test("every golden row is looked at", () => {
  const files = [...new Set(cases.map(({ file }) => file))];
  const items = files.flatMap((file) => goldenRows(file).map((_, item) => `${file} ${item}`));
  expect(items).toEqual(cases.map(({ file, item }) => `${file} ${item}`));
});

describe.each(cases)("golden row $item of $file", ({ file, item, schema, holds }) => {
  const golden = goldenRows(file)[item] as Item;

  test("decodes to what was stored", () => {
    expect(rehydrate(schema, rowOf(golden))).toMatchObject(holds);
  });

  test("has the keys that its message gives", () => {
    const message = rehydrate(schema, rowOf(golden));
    const keys = autoPKSK(schema);
    for (const attribute of KEY_ATTRIBUTES) {
      expect(keys[attribute](message), attribute).toBe(golden[attribute]?.S ?? "NA");
    }
  });

  test("is made again from its message", () => {
    const message: Message = rehydrate(schema, rowOf(golden));
    const expiry = BigInt(golden["t"]?.N ?? 0);
    const ttl = schema === TestSchema ? 86_400n : 0n;
    const row = opaqueDataFromMessage(schema, message, { clock: { now: () => (expiry - ttl) * 1_000_000n } });
    const stored = rowOf(golden);
    expect(rehydrate(schema, row)).toEqual(message);
    expect({ ...row, body: undefined, version: undefined }).toEqual({ ...stored, body: undefined, version: undefined });
  });
});
