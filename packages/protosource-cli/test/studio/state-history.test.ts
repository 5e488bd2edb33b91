/** The history of a state, held to a plain fold of the stream and a comparison of whole states. */
import { create, type DescMessage, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { order } from "@protosource-es/studio/demo";
import fc from "fast-check";
import type { StoredRecord } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { expect, it } from "vitest";
import {
  CreatedSchema,
  ItemAddedSchema,
  ItemRemovedSchema,
  ShippingSetSchema,
  SnapshotSchema,
  TagAddedSchema,
} from "../../../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import { defineOrder } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { type Change, jsonDiff, pathText } from "../../src/json-diff.js";
import { readPayload } from "../../src/payload.js";
import { type KnownAggregate, schemasOf } from "../../src/schemas.js";
import { followState } from "../../src/state-follower.js";
import { stateJson } from "../../src/state-json.js";
import { personalView } from "../../src/studio/personal-view.js";
import { historyOf, type StateHistory } from "../../src/studio/state-history.js";
import type { Studio } from "../../src/studio/studio.js";

const ID = "example_app_order_v1#x";

/** Has rules that change elements where they are, and not only those that an event names. */
const inPlace = defineOrder({
  afterOn(order) {
    const items = Object.values(order.items);
    for (const item of items) item.description = `one of ${items.length}`;
  },
});

const itemId = fc.constantFrom("a", "b", "constructor", "toString", 'a "b"', "");
const item = fc.record({ itemId, quantity: fc.nat(2) });

/** What becomes a record, by the fields that every event has; undefined for a damaged one. */
type Happening = ((envelope: object) => Uint8Array) | undefined;

function happening<D extends DescMessage>(schema: D, fields: fc.Arbitrary<object>): fc.Arbitrary<Happening> {
  return fields.map((own) => (envelope) => {
    return binarySerializer.serialize(schema, create(schema, { ...envelope, ...own } as MessageInitShape<D>));
  });
}

const happenings = fc.oneof(
  { weight: 8, arbitrary: happening(ItemAddedSchema, fc.record({ item })) },
  { weight: 6, arbitrary: happening(ItemRemovedSchema, fc.record({ itemId })) },
  { weight: 2, arbitrary: happening(TagAddedSchema, fc.record({ tag: fc.record({ key: itemId, value: itemId }) })) },
  { weight: 2, arbitrary: happening(ShippingSetSchema, fc.record({ shippingAddress: itemId })) },
  // A new life of the id.
  { weight: 1, arbitrary: happening(CreatedSchema, fc.constant({})) },
  {
    weight: 1,
    arbitrary: happening(SnapshotSchema, fc.record({ snapshot: fc.record({ items: fc.dictionary(itemId, item) }) })),
  },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

/** Gives the state after each record, each as a whole. */
function statesOf(records: readonly StoredRecord[], known: KnownAggregate): readonly (JsonValue | undefined)[] {
  const follower = followState(known);
  return records.map((record) => {
    follower.next(record, readPayload(ID, record, schemas).event?.message);
    return stateJson(follower, known, schemas);
  });
}

const schemas = schemasOf([order]);

it.each([
  ["of the example", order],
  ["that change elements in place", inPlace],
  ["that aren't known", undefined],
])("tells what whole states tell, in any order of looks, with rules %s", async (_, definition) => {
  const known: KnownAggregate = {
    definition: (definition ?? defineOrder()) as never,
    hasRules: definition !== undefined,
  };
  const looks = fc.array(fc.nat(), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(happenings, { minLength: 1, maxLength: 40 }), looks, async (happened, looks) => {
      const records = happened.map((happening, i) => {
        const version = BigInt(i + 1);
        const data = happening?.({ id: "x", version, at: version, actor: "ann" }) ?? Uint8Array.of(255, 255);
        return create(StoredRecordSchema, { version, data });
      });
      const store = new MemoryStore();
      await store.save(ID, records);
      const personal = personalView(schemas, new URLSearchParams());
      const studio: Studio = { store, schemas, personal, histories: new Map() };
      const history = await historyOf(studio, known, ID, new AbortController().signal);
      const states = [undefined, ...statesOf(records, known)];
      for (const [i, { changes }] of history.steps.entries()) {
        expect(byPath(changes)).toEqual(byPath(jsonDiff(states[i], states[i + 1])));
      }
      let before: JsonValue | undefined;
      let copy: JsonValue | undefined;
      for (const look of looks) {
        const count = look % states.length;
        const state = history.stateAfter(count);
        expect(state).toEqual(states[count]);
        // What was given stays as it was.
        expect(before).toEqual(copy);
        before = state;
        copy = structuredClone(state);
      }
    }),
    { numRuns: 60 },
  );
});

it("keeps few histories, and of large ones the last alone", async () => {
  const store = new MemoryStore();
  const personal = personalView(schemas, new URLSearchParams());
  const studio: Studio = { store, schemas, personal, histories: new Map() };
  const names = ["a", "b", "c", "d", "e", "f"];
  for (const id of names) {
    const data = binarySerializer.serialize(CreatedSchema, create(CreatedSchema, { id, version: 1n }));
    await store.save(`example_app_order_v1#${id}`, [create(StoredRecordSchema, { version: 1n, data })]);
  }
  const look = async (name: string): Promise<readonly string[]> => {
    const known = schemas.aggregates[0] as KnownAggregate;
    await historyOf(studio, known, `example_app_order_v1#${name}`, new AbortController().signal);
    return [...studio.histories.keys()].map((key) => (JSON.parse(key) as [string])[0].slice(-1));
  };
  for (const name of names.slice(0, 4)) await look(name);
  expect(await look("e")).toEqual(["b", "c", "d", "e"]);
  const [key, large] = [...studio.histories].at(-1) as [string, StateHistory];
  expect(large.size).toBeGreaterThan(10);
  studio.histories.set(key, { ...large, size: 100_000_000 });
  expect(await look("e")).toContain("e");
  expect(await look("f")).toEqual(["f"]);
});

function byPath(changes: readonly Change[]): readonly Change[] {
  return changes.toSorted((one, other) => (pathText(one.keys) < pathText(other.keys) ? -1 : 1));
}
