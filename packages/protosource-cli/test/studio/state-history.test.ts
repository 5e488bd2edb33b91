/** The history of a state, held to a plain fold of the stream and a comparison of whole states, and to its limits. */
import {
  create,
  createFileRegistry,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
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
import { isJsonObject, jsonDiff, pathWithin, valueIn } from "../../src/json-diff.js";
import { readPayload } from "../../src/payload.js";
import { type KnownAggregate, schemasOf } from "../../src/schemas.js";
import { followState } from "../../src/state-follower.js";
import { stateJson } from "../../src/state-json.js";
import { personalView } from "../../src/studio/personal-view.js";
import { stateChanges } from "../../src/studio/state-changes.js";
import { HISTORY_LIMITS, historyOf } from "../../src/studio/state-history.js";
import { NOTHING, statePart } from "../../src/studio/state-part.js";
import type { Studio } from "../../src/studio/studio.js";

const ID = "example_app_order_v1#x";

/** Has rules that change elements where they are, and where one is, and not only those that an event names. */
const inPlace = defineOrder({
  afterOn(order) {
    const items = Object.values(order.items);
    for (const item of items) item.description = `one of ${items.length}`;
    const { a, moved, ...others } = order.items;
    order.items = { ...others, ...(a && { moved: a }), ...(moved && { a: moved }) };
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

/** Gives the version after which each value of the last state is as it is there, by its path. */
function blameOf(states: readonly (JsonValue | undefined)[]): { readonly [path: string]: string } {
  const blame: [path: string, version: string][] = [];
  const visit = (values: readonly (JsonValue | undefined)[], path: string): void => {
    const last = values.at(-1);
    const isSame = (value: JsonValue | undefined): boolean =>
      isJsonObject(last) && Object.keys(last).length > 0
        ? isJsonObject(value)
        : JSON.stringify(value) === JSON.stringify(last);
    if (path !== "") blame.push([path, String(values.findLastIndex((value) => !isSame(value)) + 1)]);
    for (const name of isJsonObject(last) ? Object.keys(last) : []) {
      const inner = values.map((value) => (isJsonObject(value) ? valueIn(value, name) : undefined));
      visit(inner, pathWithin(path, name));
    }
  };
  visit(states, "");
  return Object.fromEntries(blame);
}

const schemas = schemasOf([order]);
const [example] = schemas.aggregates as [KnownAggregate];
const { signal } = new AbortController();

function studioOf(store: Studio["store"]): Studio {
  return { store, schemas, personal: personalView(schemas, new URLSearchParams()), histories: new Map() };
}

/** Keeps a stream, of which it counts how many records are read. */
class CountingStore extends MemoryStore {
  read = 0;

  override async scan(options: Parameters<MemoryStore["scan"]>[0]): ReturnType<MemoryStore["scan"]> {
    const page = await super.scan(options);
    this.read += page.records.length;
    return page;
  }
}

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
  const limits = fc.constantFrom(HISTORY_LIMITS, { part: 1, held: 1 }, { part: 200, held: 2_000 });
  const happened = fc.array(happenings, { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(happened, looks, limits, async (happened, looks, limits) => {
      const records = happened.map((happening, i) => {
        const version = BigInt(i + 1);
        const data = happening?.({ id: "x", version, at: version, actor: "ann" }) ?? Uint8Array.of(255, 255);
        return create(StoredRecordSchema, { version, data });
      });
      const store = new MemoryStore();
      await store.save(ID, records);
      const history = await historyOf(studioOf(store), known, ID, signal, limits);
      const states = [undefined, ...statesOf(records, known)];
      let before: JsonValue | undefined;
      let copy: JsonValue | undefined;
      for (const look of looks) {
        const count = look % states.length;
        const state = await history.stateAfter(count, signal);
        expect(state).toEqual(states[count]);
        expect(await history.blameAfter(count, signal)).toEqual(blameOf(states.slice(0, count + 1)));
        // What was given stays as it was.
        expect(before).toEqual(copy);
        before = state;
        copy = structuredClone(state);
      }
    }),
    { numRuns: 60 },
  );
});

it("law: a part tells of its steps what the whole tells of them, wherever it begins", () => {
  const values: readonly JsonValue[] = [1, {}, { constructor: 1 }, { constructor: {} }, { constructor: { a: 1 } }];
  const state = fc.constantFrom(undefined, { b: 1 }, ...values.map((a) => ({ a })));
  fc.assert(
    fc.property(fc.array(state, { minLength: 1, maxLength: 6 }), fc.nat(), (after, at) => {
      const states = [undefined, ...after];
      const steps = after.map((state, i) => ({ version: BigInt(i + 1), changes: jsonDiff(states[i], state) }));
      const first = at % states.length;
      const { state, ...base } = statePart(NOTHING, steps.slice(0, first)).baseAfter(first);
      expect(state).toEqual(states[first]);
      const part = statePart({ state, ...base }, steps.slice(first));
      for (let count = first; count < states.length; count++) {
        expect(part.stateAfter(count - first)).toEqual(states[count]);
        expect(part.blameAfter(count - first)).toEqual(blameOf(states.slice(0, count + 1)));
      }
    }),
    { numRuns: 1_000 },
  );
});

it("tells that a field of an element is set to its default, of those that tell this from a field that isn't set", () => {
  const optional = { label: FieldDescriptorProto_Label.OPTIONAL, number: 1 };
  const { STRING, MESSAGE } = FieldDescriptorProto_Type;
  const item = { name: "Item", field: [{ ...optional, name: "note", jsonName: "note", type: STRING }] };
  const value = { ...optional, name: "value", number: 2, type: MESSAGE, typeName: ".Item" };
  const entry = {
    name: "ItemsEntry",
    options: { mapEntry: true },
    field: [{ ...optional, name: "key", type: STRING }, value],
  };
  const items = {
    name: "items",
    jsonName: "items",
    number: 1,
    label: FieldDescriptorProto_Label.REPEATED,
    type: MESSAGE,
  };
  const whole = { name: "Whole", nestedType: [entry], field: [{ ...items, typeName: ".Whole.ItemsEntry" }] };
  const file = create(FileDescriptorProtoSchema, { name: "a.proto", messageType: [item, whole], syntax: "proto2" });
  const registry = createFileRegistry(file, () => undefined);
  const schema = registry.getMessage("Whole") as DescMessage;
  const state = fromJson(schema, { items: { a: {} } }) as Message & { items: { a: { note?: string } } };
  const follower = { next() {}, state: () => state, sealed: () => new Set<string>() };
  const known = { definition: { schema }, hasRules: false } as unknown as KnownAggregate;
  const followed = stateChanges(follower, known, { registry }, personalView(schemas, new URLSearchParams()));
  followed.next();
  expect(followed.next()).toEqual([]);
  state.items.a.note = "";
  expect(followed.next()).toEqual([{ keys: ["items", "a", "note"], before: undefined, after: "" }]);
  delete state.items.a.note;
  expect(followed.next()).toEqual([{ keys: ["items", "a", "note"], before: "", after: undefined }]);
});

it("keeps few histories", async () => {
  const store = new MemoryStore();
  const studio = studioOf(store);
  const looked: string[] = [];
  for (const id of ["a", "b", "c", "d", "e", "f"]) {
    const data = binarySerializer.serialize(CreatedSchema, create(CreatedSchema, { id, version: 1n }));
    await store.save(`example_app_order_v1#${id}`, [create(StoredRecordSchema, { version: 1n, data })]);
    await historyOf(studio, example, `example_app_order_v1#${id}`, signal);
    looked.push(id);
    const kept = [...studio.histories.keys()].map((key) => (JSON.parse(key) as [string])[0].slice(-1));
    expect(kept).toEqual(looked.slice(-4));
  }
});

/** Saves events that set the address, each to another one of so many characters. */
async function saveAddresses(store: MemoryStore, count: number, length: number): Promise<void> {
  const records = Array.from({ length: count }, (_, i) => {
    const version = BigInt(i + 1);
    const shippingAddress = `${version}`.padEnd(length, "x");
    const data = binarySerializer.serialize(
      ShippingSetSchema,
      create(ShippingSetSchema, { id: "x", version, shippingAddress }),
    );
    return create(StoredRecordSchema, { version, data });
  });
  await store.save(ID, records);
}

it("holds a part of a large history, and reads what is looked at beside it, with the part before", async () => {
  const [events, length] = [1_000, 2_000];
  const limits = { part: HISTORY_LIMITS.part / 10, held: HISTORY_LIMITS.held / 10 };
  const store = new CountingStore();
  await saveAddresses(store, events, length);
  const history = await historyOf(studioOf(store), example, ID, signal, limits);
  const look = async (count: number): Promise<number> => {
    store.read = 0;
    const state = await history.stateAfter(count, signal);
    expect((state as { shippingAddress: string }).shippingAddress).toBe(`${count}`.padEnd(length, "x"));
    expect(await history.blameAfter(count, signal)).toMatchObject({ shippingAddress: `${count}` });
    expect(history.heldSize()).toBeLessThanOrEqual(limits.held);
    return store.read;
  };
  // Each event is the change from one address to another, so that not half of them are held.
  expect(2 * events * length).toBeGreaterThan(2 * limits.held);
  expect(await look(events)).toBe(0);
  expect(await look(events - 300)).toBe(0);
  expect(await look(events / 2)).toBeGreaterThanOrEqual(events / 2);
  // The part of nearly 50 events that it is in is held now, and the one before.
  for (let count = events / 2; count > events / 2 - 45; count--) expect(await look(count)).toBe(0);
  // What all of it is compared with stays.
  expect(await look(100)).toBeGreaterThanOrEqual(100);
  for (let count = events; count > 100; count -= 50) {
    await look(count);
    expect(await look(100)).toBe(0);
  }
});

it("says that records have gone which a look back would need, and reads the stream anew then", async () => {
  const store = new MemoryStore();
  await saveAddresses(store, 10, 100);
  const studio = studioOf(store);
  const history = await historyOf(studio, example, ID, signal, { part: 1, held: 1 });
  const { records } = await store.load(ID);
  await store.cutBeginning(ID, records.slice(0, 2));
  await expect(history.stateAfter(5, signal)).rejects.toMatchObject({ code: "not_found" });
  expect((await historyOf(studio, example, ID, signal)).steps).toHaveLength(8);
});
