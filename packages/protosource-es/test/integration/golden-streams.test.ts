/**
 * The streams that the Go code wrote: their events give its rows, and the same commands at the same times its events.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { create, createRegistry, type Message } from "@bufbuild/protobuf";
import { type Aggregate, commandSchema, type Emits, type Logger, Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { type OpaqueRow, rowKeys } from "protosource-es/opaquedata";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer, jsonSerializer, type Serializer } from "protosource-es/serializer";
import { describe, expect, test } from "vitest";
import type { Order } from "../gen/example/app/order/v1/order_v1_pb.js";
import type { Test } from "../gen/example/app/test/v1/test_v1_pb.js";
import { defineTest } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";

type Item = { readonly [name: string]: { readonly S?: string; readonly N?: string; readonly B?: string } };

interface Golden {
  readonly events: readonly Item[];
  readonly aggregates: readonly Item[];
}

/** An event of any type, with the fields that all have. */
type Event = Message & { readonly at: bigint; readonly actor: string };

/** The types of an aggregate that is one or the other. */
interface AnyTypes {
  readonly aggregate: Order | Test;
  readonly commands: { readonly [name: string]: Emits<Message, string> };
  readonly events: { readonly [name: string]: Message };
  readonly projections: object;
}

const anyOrder = order as unknown as Aggregate<AnyTypes>;
const anyTest = defineTest() as unknown as Aggregate<AnyTypes>;
const cases = [
  { name: "order_v1", id: "o#1", definition: anyOrder, serializer: binarySerializer },
  { name: "test_v1", id: "t-1", definition: anyTest, serializer: binarySerializer },
  { name: "test_v1_jsonserializer", id: "j-1", definition: anyTest, serializer: jsonSerializer },
];

/** The command that emits an event first; a snapshot and the second event of a command have none. */
const commandNames: { readonly [event: string]: string | undefined } = {
  Created: "Create",
  Updated: "Update",
  Locked: "Lock",
  ItemAdded: "AddItem",
  TagAdded: "AddTag",
  Placed: "Place",
};

const inflate = (data: Uint8Array): Uint8Array =>
  data[0] === 0x1f && data[1] === 0x8b ? new Uint8Array(gunzipSync(data)) : data;
const bytes = (item: Item, name: string): Uint8Array => new Uint8Array(Buffer.from(item[name]?.B ?? "", "base64"));

/** What a row says, apart from what we add to the format. */
function attributes(row: OpaqueRow): object {
  const { $typeName, version, body, t, ...keys } = row;
  const written = Object.entries(keys).filter(([, value]) => value !== "");
  return { ...Object.fromEntries(written), t: Number(t), body: inflate(body) };
}

function goldenAttributes(item: Item): object {
  const keys = Object.entries(item).flatMap(([name, { S }]) => (S === undefined ? [] : [[name, S]]));
  return { ...Object.fromEntries(keys), t: Number(item["t"]?.N ?? 0), body: inflate(bytes(item, "body")) };
}

function comparable(serializer: Serializer, records: readonly StoredRecord[]): object[] {
  return records.map(({ version, ttl, data }) => ({
    version,
    ttl,
    data: serializer === jsonSerializer ? JSON.parse(new TextDecoder().decode(inflate(data))) : inflate(data),
  }));
}

describe.each(cases)("the stream of $name", ({ name, id, definition, serializer }) => {
  const golden = JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")) as Golden;
  const streamId = golden.events[0]?.["a"]?.S as string;
  const records = golden.events.map((item) =>
    create(StoredRecordSchema, {
      version: BigInt(item["v"]?.N as string),
      data: bytes(item, "d"),
      ttl: BigInt(item["t"]?.N ?? 0),
    }),
  );
  const registry = createRegistry(definition.schema.file);
  const events = records.map(({ data }) => serializer.deserialize(inflate(data), registry, name) as Event);
  const start = events[0]?.at as bigint;
  const logger: Logger = { warn: (message, details) => expect.fail(`${message} ${JSON.stringify(details)}`) };
  const open = (): MemoryStore => new MemoryStore({ clock: { now: () => start } });
  const rowsIn = (store: MemoryStore): Promise<(object | undefined)[]> =>
    Promise.all(
      golden.aggregates.map(async (item) => {
        const row = await store.opaqueStore.get({ pk: item["pk"]?.S as string, sk: item["sk"]?.S as string });
        return row && rowKeys(row, 0) && attributes(row);
      }),
    );

  test("folds to the rows", async () => {
    const store = open();
    await store.save(streamId, records);
    const repository = new Repository(definition, store, { serializer, clock: { now: () => start } });
    const aggregate = await repository.load(id);
    await store.saveAggregate(definition.schema, aggregate);
    expect((await rowsIn(store))[0]).toEqual(goldenAttributes(golden.aggregates[0] as Item));
    expect(aggregate.version).toBe(records.at(-1)?.version);
  });

  test("comes of its commands again, and so do the rows", async () => {
    const store = open();
    // A load and the decision read the clock once, then each further event does.
    const times: bigint[] = [];
    const clock = { now: () => (times.length > 1 ? times.shift() : times[0]) as bigint };
    const repository = new Repository(definition, store, { serializer, clock, logger });
    for (const [i, event] of events.entries()) {
      const command = commandNames[event.$typeName.split(".").at(-1) as string];
      if (command === undefined) continue;
      const next = events.findIndex((later, j) => j > i && commandNames[later.$typeName.split(".").at(-1) as string]);
      const own = events.slice(i, next < 0 ? undefined : next);
      times.splice(0, times.length, event.at, ...own.map(({ at }) => at));
      const { $typeName, ...fields } = event;
      const commandType = commandSchema(definition, command);
      if (commandType === undefined) throw new Error(`no command ${command}`);
      await repository.apply(create(commandType, fields as object), { id, actor: event.actor });
    }
    const { records: written } = await store.load(streamId);
    expect(comparable(serializer, written)).toEqual(comparable(serializer, records));
    expect(written.map(({ data }) => data[0] === 0x1f)).toEqual(records.map(({ data }) => data[0] === 0x1f));
    expect(await rowsIn(store)).toEqual(golden.aggregates.map(goldenAttributes));
  });
});
