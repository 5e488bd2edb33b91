/** What the API tells of streams of any events of the examples, held to what a repository tells of them. */
import { create, type DescField, type DescMessage, fromJson, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { order } from "@protosource-es/studio/demo";
import { transform } from "esbuild";
import fc from "fast-check";
import { type AggregateTypes, type AnyAggregate, Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { given } from "protosource-es/testing";
import { describe, expect, it } from "vitest";
import { cardEvents } from "../../../../examples/coffee/gen/coffee/card/v1/card_protosource.js";
import { card } from "../../../../examples/coffee/src/card.js";
import { bookingEvents } from "../../../../examples/hotel/gen/example/hotel/booking/v1/booking_v1_protosource.js";
import { roomEvents } from "../../../../examples/hotel/gen/example/hotel/room/v1/room_v1_protosource.js";
import { booking } from "../../../../examples/hotel/src/booking.js";
import { room } from "../../../../examples/hotel/src/room.js";
import { orderEvents } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { memberEvents } from "../../../protosource-es/test/gen/example/app/member/v1/member_v1_protosource.js";
import {
  defineForm,
  formEvents,
} from "../../../protosource-es/test/gen/example/app/shapes/v1/shapes_v1_protosource.js";
import { member, memberWith } from "../../../protosource-es/test/member.js";
import { isJsonObject, pathText, valueIn } from "../../src/json-diff.js";
import { messageJson } from "../../src/message-json.js";
import { schemasOf, streamPrefix } from "../../src/schemas.js";
import { studioApi } from "../../src/studio/api.js";

interface Example {
  readonly definition: AnyAggregate;
  readonly constructors: object;
  /** As it was when its retired events were written. */
  readonly before?: AnyAggregate;
}

const EXAMPLES: { readonly [name: string]: Example } = {
  order: { definition: order, constructors: orderEvents },
  card: { definition: card, constructors: cardEvents },
  room: { definition: room, constructors: roomEvents },
  booking: { definition: booking, constructors: bookingEvents },
  member: { definition: member, constructors: memberEvents, before: memberWith({ retired: [], everyNEvents: 2 }) },
  form: { definition: defineForm(), constructors: formEvents },
};

/** Totals that are too large for rows are no matter here. */
const QUIET = { warn(): void {} };

/** What `given` gives events itself. */
const ENVELOPE: readonly string[] = ["id", "version", "at", "actor"];

const names = fc.oneof(
  fc.constantFrom("a", "toString", "constructor", 'a "b"', '`"\\', "\u2028", "", "π"),
  fc.string(),
);

function jsonOf(field: DescField): fc.Arbitrary<JsonValue> {
  if (field.fieldKind === "list") return fc.array(one(field), { maxLength: 3 });
  if (field.fieldKind === "map") {
    const keys = field.mapKey === ScalarType.STRING ? names.filter((key) => key !== "__proto__") : fc.constant("1");
    return fc.dictionary(keys, one(field), { maxKeys: 3 });
  }
  return one(field);
}

function one(field: DescField): fc.Arbitrary<JsonValue> {
  if (field.enum) return fc.constantFrom(...field.enum.values.map(({ name }) => name));
  if (field.message?.typeName === "google.protobuf.Timestamp")
    return fc.constantFrom("1969-12-31T23:59:59.000000001Z", "9999-12-31T23:59:59Z");
  if (field.message?.typeName === "google.protobuf.StringValue") return names;
  if (field.message) return messageOf(field.message);
  switch (field.scalar) {
    case ScalarType.STRING:
      return names;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.constantFrom("", "AP8=");
    case ScalarType.DOUBLE:
      return fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom<JsonValue>("NaN", "-Infinity", -0),
      );
    case ScalarType.INT64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
    default:
      return fc.integer({ min: 0, max: 1_000_000 });
  }
}

/** Any message, as JSON: of a oneof one field, and some fields left out. */
function messageOf(schema: DescMessage, without: readonly string[] = []): fc.Arbitrary<JsonValue> {
  const members = schema.members.filter(({ name }) => !without.includes(name));
  const parts = members.map((member) => {
    const field = member.kind === "oneof" ? fc.constantFrom(...member.fields) : fc.constant(member);
    return fc.option(
      field.chain((field) => jsonOf(field).map((value) => ({ [field.jsonName]: value }))),
      { nil: {} },
    );
  });
  return fc.tuple(...parts).map((all) => Object.assign({}, ...all) as JsonValue);
}

function valueAt(state: JsonValue, keys: readonly string[]): JsonValue | undefined {
  return keys.reduce<JsonValue | undefined>(
    (outer, key) => (isJsonObject(outer) ? valueIn(outer, key) : undefined),
    state,
  );
}

/** Gives the places of the values of a state that have nothing with a name within. */
function leaves(value: JsonValue, keys: readonly string[] = []): readonly (readonly string[])[] {
  return isJsonObject(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...keys, name]))
    : [keys];
}

describe.each(Object.entries(EXAMPLES))("any stream of the example %s", (_, { definition, constructors, before }) => {
  const { schema, model } = definition;
  const schemas = schemasOf([definition]);
  const events = [...model.events, ...model.retired].map(({ schema }) => schema);
  const [first] = events as [DescMessage];
  const event = fc
    .constantFrom(...events)
    .chain((schema) => messageOf(schema, ENVELOPE).map((json) => fromJson(schema, json)));

  it("has the states that a repository loads, set by the events that changed them, and makes a test that holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 6 }), async (happened) => {
        const store = new MemoryStore();
        await new Repository<AggregateTypes>((before ?? definition) as never, store, { logger: QUIET }).save("x", [
          create(first),
          ...happened,
        ] as never);
        const repository = new Repository<AggregateTypes>(definition as never, store);
        const api = studioApi({ store, schemas });
        const id = `${streamPrefix(definition as never)}x`;
        const ask = async (route: string, at: string): Promise<never> => {
          const response = await api(new Request(`http://studio/api/${route}?${new URLSearchParams({ id, at })}`));
          const answer: unknown = await response.json();
          expect(answer).not.toHaveProperty("error");
          return answer as never;
        };
        const { last }: { last: string } = await ask("state", "1");
        const states: JsonValue[] = [];
        for (let version = 1n; version <= BigInt(last); version++) {
          const loaded = await repository.load("x", { at: version });
          // An answer is JSON, which has no -0.
          states.push(JSON.parse(JSON.stringify(messageJson(schema, loaded, schemas.registry))));
        }
        for (const [i, expected] of [...states.entries()].toReversed()) {
          const { state, blame }: { state: JsonValue; blame: { [path: string]: string } } = await ask(
            "state",
            `${i + 1}`,
          );
          expect(state).toEqual(expected);
          for (const keys of leaves(expected)) {
            const value = JSON.stringify(valueAt(expected, keys));
            const other = states.slice(0, i).findLastIndex((state) => JSON.stringify(valueAt(state, keys)) !== value);
            expect({ keys, version: blame[pathText(keys)] }).toEqual({ keys, version: `${other + 2}` });
          }
        }
        const { text }: { text: string } = await ask("test", last);
        const name = /^given\((\w+), \[$/m.exec(text)?.[1] ?? "";
        const parameters = ["given", name, `${name}Events`, "Buffer"];
        const { code } = await transform(text, { loader: "ts" });
        new Function(...parameters, code)(given, definition, constructors, Buffer);
      }),
      { numRuns: 8 },
    );
  });
});
