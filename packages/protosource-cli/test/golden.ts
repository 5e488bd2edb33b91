/** Items that the Go code wrote: three streams and four rows. */
import { readFileSync } from "node:fs";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** An item in the JSON that the AWS command line prints. */
export type GoldenItem = Readonly<Record<string, { readonly S?: string; readonly N?: string; readonly B?: string }>>;

interface Golden {
  readonly events: readonly GoldenItem[];
  readonly aggregates: readonly GoldenItem[];
}

const FILES = ["order_v1", "test_v1", "test_v1_jsonserializer"];

/** All golden items. */
export function goldenItems(): Golden {
  const files = FILES.map((name) => {
    const url = new URL(`../../protosource-es/test/golden/${name}.json`, import.meta.url);
    return JSON.parse(readFileSync(url, "utf8")) as Golden;
  });
  return { events: files.flatMap(({ events }) => events), aggregates: files.flatMap(({ aggregates }) => aggregates) };
}

/** Gives an item as the SDK takes it. */
export function toItem(item: GoldenItem): Record<string, AttributeValue> {
  return Object.fromEntries(
    Object.entries(item).map(([name, { S, N, B }]) => [
      name,
      S !== undefined ? { S } : N !== undefined ? { N } : { B: new Uint8Array(Buffer.from(B ?? "", "base64")) },
    ]),
  );
}
