/** The fast path picks pages of events out of an answer by hand. Nobody may see a difference to `JSON.parse`. */
import fc from "fast-check";
import { DynamoDBStore } from "protosource-es/dynamodb";
import { describe, expect, it } from "vitest";
import { scriptedClient } from "./scripted-client.js";

let body = "";
let output: unknown;
let stop = new AbortController();
const { client } = scriptedClient(() => ({ body: new TextEncoder().encode(body) }));
client.middlewareStack.add(
  (next) => async (args) => {
    try {
      const result = await next(args);
      const { $metadata, ...rest } = result.output as { readonly $metadata?: unknown };
      output = rest;
      return result;
    } finally {
      // One answer is enough: a store asks again where one can't be right.
      stop.abort();
    }
  },
  { step: "initialize", priority: "high" },
);
const store = new DynamoDBStore(client);

/** Gives what a store is given of an answer, or `"refused"`. */
async function read(text: string): Promise<unknown> {
  body = text;
  output = "refused";
  stop = new AbortController();
  // What a record must be is for the store to judge, and another test.
  await store.scan({ aggregateId: "a", signal: stop.signal }).catch(() => {});
  return output;
}

/** Gives what a store ought to be given. The SDK leaves out members that are null. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
  } catch {
    return "refused";
  }
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((data) => ({ B: Buffer.from(data).toString("base64") }));
const number = fc.nat(10_000).map((n) => ({ N: String(n) }));
const event = fc.record({ v: number, d: bytes, t: number, m: number, n: number }, { requiredKeys: ["v", "d"] });
const name = fc.oneof(fc.constantFrom("v", "d", "t", "a", "é", '"', "\\", "__proto__", "Items"), fc.string());
const odd = fc.constantFrom('"', '"}', '"Items":[', '{"Items":[{"v":{"N":"1"}}]}', "\\", "/", "ü", "\n", "");
const text = fc.oneof(odd, fc.string({ unit: "binary" }));
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2 },
    number,
    bytes,
    text.map((S) => ({ S })),
    fc.constant({ NULL: true }),
    fc.array(tie("any"), { maxLength: 3 }).map((L) => ({ L })),
    fc.dictionary(name, tie("any"), { maxKeys: 3 }).map((M) => ({ M })),
  ),
})).any;
const item = fc.oneof({ weight: 3, arbitrary: event }, fc.dictionary(name, value, { maxKeys: 4 }));
const page = fc
  .record(
    {
      Count: fc.nat(),
      Items: fc.oneof({ weight: 6, arbitrary: fc.array(event, { maxLength: 5 }) }, fc.array(item, { maxLength: 3 })),
      LastEvaluatedKey: fc.record({ a: fc.record({ S: text }), v: number }),
      ConsumedCapacity: fc.record({ Items: fc.array(event, { maxLength: 2 }), CapacityUnits: fc.double() }),
      Other: fc.oneof(text, fc.constant(null)),
    },
    { requiredKeys: [] },
  )
  .chain((members) => fc.shuffledSubarray(Object.entries(members), { minLength: Object.keys(members).length }))
  .map((members) => JSON.stringify(Object.fromEntries(members)));

describe("a page", () => {
  it("is what JSON.parse gives", async () => {
    await fc.assert(
      fc.asyncProperty(page, async (text) => {
        expect(await read(text)).toStrictEqual(parsed(text));
      }),
      { numRuns: 500 },
    );
  });

  it("of events is what JSON.parse gives, however its text is changed", async () => {
    const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    const put = fc.constantFrom("", '"', "{", "}", "[", "]", ",", ":", "\\", " ", "N", "B", "1", ',"v":{"N":"2"}');
    await fc.assert(
      fc.asyncProperty(page, place, fc.nat(2), put, async (text, at, length, inserted) => {
        const start = Math.floor(at * text.length);
        const changed = text.slice(0, start) + inserted + text.slice(start + length);
        const expected = parsed(changed);
        fc.pre(expected !== undefined);
        expect(await read(changed)).toStrictEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    '{"Items":[]}',
    '{"Items":[{}]}',
    '{"Items":[{"v":{"N":"1"}}]}',
    '{"Items":[{"v":{"N":"1"},"d":{"B":"AA=="}},{"v":{"N":"2"}}],"Count":2}',
    '{ "Items" : [ { "v" : { "N" : "1" } } ] }',
    '{"Items":[{"v":{"N":"1"}}],"Items":[{"v":{"N":"2"}}]}',
    '{"Page":{"Items":[{"v":{"N":"1"}}]},"Items":[{"v":{"N":"2"}}]}',
    '{"Page":{"Items":[{"v":{"N":"1"}}]}}',
    '{"Items":[{"v":{"N":"1"},"v":{"N":"2"}}]}',
    '{"Items":[{"d":{"B":"\\u0041A=="}}]}',
    '{"Items":[{"d":{"B":"\\/w=="}}]}',
    '{"Items":[{"v":{"N":"1"}}',
    '{"Items":[{"v":{"N":"1"}}]',
    '{"Items":[{"v":{"N":"1"}},]}',
    '{"Items":[{"v":{"N":"1',
  ])("like %s is what JSON.parse gives", async (text) => {
    expect(await read(text)).toStrictEqual(parsed(text));
  });
});
