/**
 * What personal fields cost the processor: sealing and opening a message, beside its plain encode and decode, and loads of
 * aggregates that have none, by a repository that could open them beside one that couldn't.
 */
import { create, createRegistry } from "@bufbuild/protobuf";
import { Repository } from "protosource-es";
import { MemoryStore, memoryKeyStore } from "protosource-es/memory";
import { createKeyring, type TypedMessage } from "protosource-es/personal";
import { binarySerializer } from "protosource-es/serializer";
import type { OrderTypes } from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../examples/orders/src/order.js";
import {
  type Registered,
  RegisteredSchema,
} from "../../packages/protosource-es/test/gen/example/app/people/v1/people_v1_pb.js";
import { inTurns, mapValues, us } from "./in-turns.js";
import { markdownTable } from "./markdown.js";
import { contenderOf } from "./ours.js";
import { orderEvents } from "./sample.js";
import { median } from "./statistics.js";

/** How many messages a slice seals or opens: enough for the clock of the processor. */
const MESSAGES = 500;
/** How many loads a slice makes, of an order of so many events. */
const LOADS = 40;
const EVENTS = 100;

const registry = createRegistry(RegisteredSchema);
const keyring = createKeyring(memoryKeyStore());

/** Measures an event with two personal fields of one person, and loads of an order without any: tables for the README. */
export async function measurePersonal(): Promise<string> {
  return `${await measureMessages()}\n\n${await measureLoads()}`;
}

async function measureMessages(): Promise<string> {
  const events = Array.from({ length: MESSAGES }, (_, i) => registered(i));
  const plain = events.map(encode);
  const sealed = await encodeSealed(events);
  const slices = await inTurns(MESSAGES, {
    encode: async () => events.forEach(encode),
    seal: () => encodeSealed(events),
    sealAlone: async () => {
      for (const event of events) await encodeSealed([event]);
    },
    decode: async () => plain.forEach(decode),
    open: () => decodeSealed(sealed),
  });
  const costs = mapValues(slices, (all) => Math.min(...all));
  const row = (name: string, alone: number, both: number) => [name, us(alone), us(both), us(both - alone)];
  return markdownTable(
    ["a message of two personal fields", "plain", "sealed", "more"],
    [
      row("encode", costs.encode, costs.seal),
      row("encode, keys for each alone", costs.encode, costs.sealAlone),
      row("decode", costs.decode, costs.open),
    ],
  );
}

/** The ratio is that of two slices that follow each other: what the machine does meanwhile hits both. */
async function measureLoads(): Promise<string> {
  const store = new MemoryStore();
  await contenderOf(store).append("1", 1, orderEvents("1", 1, EVENTS, "alike"));
  const load = (orders: Repository<OrderTypes>) => async (): Promise<void> => {
    for (let i = 0; i < LOADS; i++) await orders.load("1");
  };
  const { without, withKeys } = await inTurns(LOADS, {
    without: load(new Repository(order, store)),
    withKeys: load(new Repository(order, store, { keyring })),
  });
  const ratio = median(withKeys.map((cost, i) => cost / (without[i] as number)));
  return markdownTable(
    [`a load of ${EVENTS} events without personal fields`, "no keyring", "a keyring", "ratio, median"],
    [["load", us(median(without)), us(median(withKeys)), ratio.toFixed(3)]],
  );
}

function registered(i: number): Registered {
  return create(RegisteredSchema, {
    id: "5f8a1c9e-8a0b-4f7e-9f43-0c1de2a7b6d4",
    version: BigInt(i + 1),
    at: 1_790_000_000_000_000n + BigInt(i),
    actor: "clerk",
    email: `ann.lee.${i}@example.org`,
    name: `Ann Lee the ${i}th`,
    plan: "gold",
  });
}

function placeOf({ version }: Registered): string {
  return `event ${version} person#5f8a1c9e-8a0b-4f7e-9f43-0c1de2a7b6d4`;
}

function encode(event: Registered): Uint8Array {
  return binarySerializer.serialize(RegisteredSchema, event);
}

function decode(bytes: Uint8Array): Registered {
  return binarySerializer.deserialize(bytes, registry, "an event") as Registered;
}

/** As a command does that stores events: the keys are fetched once. */
async function encodeSealed(events: readonly Registered[]): Promise<readonly Uint8Array[]> {
  const { seal } = await keyring.sealer(events.map((event): TypedMessage => [RegisteredSchema, event]));
  return events.map((event) => encode(seal(RegisteredSchema, event, placeOf(event)) as Registered));
}

/** As a load does that reads a page. */
async function decodeSealed(sealed: readonly Uint8Array[]): Promise<void> {
  const events = sealed.map(decode);
  const open = await keyring.opener(events.map((event): TypedMessage => [RegisteredSchema, event]));
  for (const event of events) open(RegisteredSchema, event, placeOf(event), "an event");
}
