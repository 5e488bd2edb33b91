/** Where a save is cut into requests. One that is repeated is cut as before, or versions between two cuts get lost. */
import { create } from "@bufbuild/protobuf";
import { type DynamoDBClientLike, DynamoDBStore } from "protosource-es/dynamodb";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { expect, test } from "vitest";

type Layout = "compatible" | "packed";

interface Write {
  readonly input: { readonly TransactItems?: readonly unknown[]; readonly Item?: unknown };
}

/** Times of which the expiries take 2 to 6 bytes as a number, and are gzipped differently well. */
const TIMES = [1_799_999_999n, 1_712_345_678n, 1_700_000_000n, 1_799_989_999n];

function record(version: number, data: Uint8Array): StoredRecord {
  return create(StoredRecordSchema, { version: BigInt(version), data });
}

/** Gives the number of items in each request of a save at a time. */
async function cut(layout: Layout, records: readonly StoredRecord[], seconds: bigint): Promise<readonly number[]> {
  const items: number[] = [];
  const client = {
    send(command: Write): Promise<object> {
      const { TransactItems, Item } = command.input;
      if (TransactItems || Item) items.push(TransactItems?.length ?? 1);
      return Promise.resolve({ Items: [] });
    },
  } as unknown as DynamoDBClientLike;
  const store = new DynamoDBStore(client, { layout, ttlSeconds: 1, clock: { now: () => seconds * 1_000_000n } });
  await store.save("id", records);
  return items;
}

test.each([
  ["compatible", 11, 400_000, 190_000],
  ["packed", 3_000, 125, 3_000],
] as const)("a save is cut at the same bytes at any time: %s", async (layout, count, bytes, more) => {
  const first = Array.from({ length: count - 1 }, (_, i) => {
    const data = new Uint8Array(bytes);
    if (layout === "packed") crypto.getRandomValues(data);
    return record(i + 1, data);
  });
  const last = crypto.getRandomValues(new Uint8Array(65_536));
  const all = (length: number): StoredRecord[] => {
    const data = new Uint8Array(more + length);
    data.set(last.subarray(0, length));
    return [...first, record(count, data)];
  };
  const whole = await cut(layout, all(0), 1n);
  const longest = await Promise.all(
    TIMES.map(async (time) => {
      let [fits, tooLong] = [0, last.length];
      while (tooLong - fits > 1) {
        const length = (fits + tooLong) >> 1;
        if (String(await cut(layout, all(length), time)) === String(whole)) fits = length;
        else tooLong = length;
      }
      return fits;
    }),
  );
  expect(longest).toEqual(TIMES.map(() => longest[0]));
  expect(longest[0]).toBeGreaterThan(0);
});
