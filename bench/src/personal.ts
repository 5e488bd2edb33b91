/** What personal fields cost the processor: sealing and opening a message, beside its plain encode and decode. */
import { create, createRegistry } from "@bufbuild/protobuf";
import { memoryKeyStore } from "protosource-es/memory";
import { createKeyring, type TypedMessage } from "protosource-es/personal";
import { binarySerializer } from "protosource-es/serializer";
import {
  type Registered,
  RegisteredSchema,
} from "../../packages/protosource-es/test/gen/example/app/people/v1/people_v1_pb.js";
import { markdownTable } from "./markdown.js";

/** How many messages a slice seals or opens: enough for the clock of the processor. */
const MESSAGES = 500;
const SLICES = 40;
const WARM_UP = 40;

const registry = createRegistry(RegisteredSchema);
const keyring = createKeyring(memoryKeyStore());

/** Measures an event with two personal fields of one person, and gives a table for the README. */
export async function measurePersonal(): Promise<string> {
  const events = Array.from({ length: MESSAGES }, (_, i) => registered(i));
  const plain = events.map(encode);
  const sealed = await encodeSealed(events);
  const costs = await microseconds({
    encode: async () => events.forEach(encode),
    seal: () => encodeSealed(events),
    sealAlone: async () => {
      for (const event of events) await encodeSealed([event]);
    },
    decode: async () => plain.forEach(decode),
    open: () => decodeSealed(sealed),
  });
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

/** Gives the processor's time of each task for a message, the least of slices that take turns. */
async function microseconds<N extends string>(
  tasks: Readonly<Record<N, () => Promise<unknown>>>,
): Promise<Record<N, number>> {
  const names = Object.keys(tasks) as N[];
  const costs = new Map<N, number[]>(names.map((name) => [name, []]));
  for (let slice = -WARM_UP; slice < SLICES; slice++) {
    for (const name of names) {
      const before = process.cpuUsage();
      await tasks[name]();
      const { user, system } = process.cpuUsage(before);
      if (slice >= 0) costs.get(name)?.push((user + system) / MESSAGES);
    }
  }
  return Object.fromEntries([...costs].map(([name, all]) => [name, Math.min(...all)])) as Record<N, number>;
}

function us(microseconds: number): string {
  return `${microseconds.toFixed(1)} µs`;
}
