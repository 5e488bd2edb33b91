import {
  create,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import { Repository } from "protosource-es";
import { fetchHandler, serve } from "protosource-es/http";
import { MemoryStore } from "protosource-es/memory";
import { type GsiNumber, indexAttributes, type KeyAttribute, keyModel } from "protosource-es/model";
import { opaqueDataFromMessage, queryClient } from "protosource-es/opaquedata";
import { describe, expect, it } from "vitest";
import {
  BagSchema,
  Kind,
  MarkerSchema,
  SampleSchema,
  SettingSchema,
} from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { defineSample } from "../../gen/example/app/keys/v1/keys_v1_protosource.js";
import { SampleService } from "../../gen/example/app/keys/v1/keys_v1_service_pb.js";

const store = new MemoryStore();
const rows = store.opaqueStore;
const served = serve(SampleService, { repository: new Repository(defineSample(), store), queries: rows });
const handle = fetchHandler({ services: [served], authorize: () => ({ actor: "ann" }) });

const NUMBERS = [-12, -1, 0, 7, 10, 123];
const samples = NUMBERS.map((number, i) =>
  create(SampleSchema, {
    id: `s${i}`,
    bucket: "b",
    createAt: 1_700_000_000_000_000n + BigInt(i),
    modifyAt: 1_700_000_000_000_000n,
    int32Value: number,
    int64Value: BigInt(number) * 10n ** 12n,
    uint32Value: Math.abs(number),
    uint64Value: BigInt(Math.abs(number)),
    sint32Value: number,
    sint64Value: BigInt(number),
    fixed32Value: Math.abs(number),
    fixed64Value: BigInt(Math.abs(number)),
    sfixed32Value: number,
    sfixed64Value: BigInt(number),
    doubleValue: number / 4,
    floatValue: number / 4,
    boolValue: i % 2 === 0,
    stringValue: `text ${number}`,
    kind: i % 2 === 0 ? Kind.UNSPECIFIED : Kind.SMALL,
    region: 4,
  }),
);
const others = [
  create(SettingSchema, { scope: "user", name: "theme", revision: 3n, value: "dark" }),
  create(SettingSchema, { scope: "user", name: "theme", revision: 12n, value: "light" }),
  create(MarkerSchema, { code: "m1", target: { case: "person", value: "ann" } }),
  create(BagSchema, { blob: Uint8Array.of(1, 255), words: ["a", "b c"], weights: [0.5] }),
];
for (const row of samples) await rows.put(opaqueDataFromMessage(SampleSchema, row));
for (const row of others) {
  const schema = [SettingSchema, MarkerSchema, BagSchema].find(({ typeName }) => typeName === row.$typeName);
  await rows.put(opaqueDataFromMessage(schema as DescMessage, row));
}

async function ask(rpc: string, message: JsonObject): Promise<JsonObject> {
  const url = `https://keys.example/${SampleService.typeName}/${rpc}`;
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message) };
  return (await (await handle(new Request(url, init))).json()) as JsonObject;
}

/** The values of a message's fields, as TypeScript and as JSON have them. */
function valuesOf(schema: DescMessage, row: Message, field: DescField): readonly [value: unknown, json: JsonValue] {
  const json = toJson(schema, row, { alwaysEmitImplicit: true }) as JsonObject;
  return [(row as unknown as Record<string, unknown>)[field.localName], json[field.jsonName] ?? null];
}

const OPERATORS = ["eq", "lt", "le", "gt", "ge", "between", "beginsWith"] as const;
const selects = served.calls.filter(
  ({ kind, schema }) => kind === "select" && schema.typeName === SampleSchema.typeName,
);

describe("a select", () => {
  it.each(selects.map((call) => [call.method.name, call] as const))(
    "finds by conditions what the generated queries find: %s",
    async (name, { schema, index, method }) => {
      const client = queryClient(schema, rows);
      const fields = (attribute: KeyAttribute): readonly DescField[] =>
        (keyModel(schema)?.templates.get(attribute)?.parts ?? []).map(({ field }) => field);
      const [pk, sk] = indexAttributes(index as GsiNumber);
      const last = fields(sk).at(-1);
      const condition = method.input.fields.find((field) => field.name === last?.name);
      const known = condition?.message?.fields.map(({ localName }) => localName) ?? ["eq"];
      for (const row of samples.slice(1, 4)) {
        for (const operator of [undefined, ...OPERATORS.filter((one) => known.includes(one))]) {
          const request: Record<string, JsonValue> = {};
          const partition: Record<string, unknown> = {};
          const options: Record<string, unknown> = {};
          for (const field of fields(pk)) {
            [partition[field.localName], request[field.jsonName]] = valuesOf(schema, row, field) as [
              unknown,
              JsonValue,
            ];
          }
          for (const field of operator === undefined ? [] : fields(sk)) {
            const [value, json] = valuesOf(schema, row, field);
            const isCompared = field === last && operator !== undefined;
            options[field.localName] = isCompared
              ? { [operator]: operator === "between" ? [value, value] : value }
              : value;
            const told = operator === "between" ? { low: json, high: json } : json;
            request[field.jsonName] =
              isCompared && condition?.message !== undefined ? { [operator ?? ""]: told } : json;
          }
          const expected = await client.select(index as GsiNumber, partition, { ...options, limit: 100 });
          const found = await ask(name, request);
          const ids = (found["items"] ?? []) as { id: string }[];
          expect([operator, ids.map(({ id }) => id)]).toEqual([
            operator,
            expected.items.map((item) => (item as unknown as { id: string }).id),
          ]);
        }
      }
    },
  );

  it("goes on page by page, forwards and backwards", async () => {
    for (const reverse of [false, true]) {
      const ids: string[] = [];
      let pageToken: JsonValue = "";
      do {
        const page = await ask("SelectSampleByBucketWithInt64Value", { bucket: "b", pageSize: 2, pageToken, reverse });
        const items = page["items"] as unknown as { id: string }[];
        expect(items.length).toBeLessThanOrEqual(2);
        ids.push(...items.map(({ id }) => id));
        pageToken = page["nextPageToken"] ?? "";
      } while (pageToken !== "");
      const all = samples.map(({ id }) => id);
      expect(ids).toEqual(reverse ? all.toReversed() : all);
    }
  });

  it("and a get find rows by keys of their own, whatever these are made of", async () => {
    const key = { scope: "user", name: "theme" };
    expect(await ask("GetSetting", { ...key, revision: "12" })).toMatchObject({ value: "light" });
    expect(await ask("SelectSettingByScopeAndName", { ...key, revision: { ge: "4" } })).toMatchObject({
      items: [{ value: "light" }],
    });
    expect(await ask("GetMarker", { code: "m1" })).toMatchObject({ person: "ann" });
    expect(await ask("SelectMarkerByPerson", { person: "ann" })).toMatchObject({ items: [{ code: "m1" }] });
    expect(await ask("GetBag", { blob: "Af8=", words: ["a", "b c"] })).toMatchObject({ words: ["a", "b c"] });
    expect(await ask("SelectBagByBlob", { blob: "Af8=" })).toMatchObject({ items: [{ words: ["a", "b c"] }] });
    expect(await ask("GetSetting", { ...key, revision: "13" })).toMatchObject({ code: "not_found" });
  });
});
