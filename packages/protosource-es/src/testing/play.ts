/** Events that happen to a read model: saved to a store in memory, and brought by the engine that a worker has. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { RecordSchema } from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import { memoryKeyStore } from "../memory/memory-key-store.js";
import { MemoryOpaqueStore, type MemoryRows } from "../memory/memory-opaque-store.js";
import { MemoryStore } from "../memory/memory-store.js";
import { requireKeyModel } from "../opaquedata/auto-pksk.js";
import { rowReader } from "../opaquedata/row-reader.js";
import { createKeyring } from "../personal/keyring.js";
import { binarySerializer } from "../serializer/binary.js";
import type { Doorbell } from "../store/doorbell.js";
import type { ReadModel } from "../subscriptions/define-read-model.js";
import type { Happening } from "../subscriptions/engine.js";
import { modelPrefix } from "../subscriptions/model-rows.js";
import { type Subscription, subscriptionId } from "../subscriptions/subscription.js";
import { Subscriptions } from "../subscriptions/subscriptions.js";
import { FakeClock } from "./fake-clock.js";
import { freeze } from "./freeze.js";
import { rowName } from "./row-name.js";
import { type HappenedEvent, showEvent } from "./stream-events.js";

/** Events of one stream that are saved at once. */
export type Batch = readonly [HappenedEvent, ...HappenedEvent[]];

/** Rows by what a test calls them. */
export type NamedRows = ReadonlyMap<string, Message>;

/**
 * Has events happen, batch by batch, and gives the rows that there are then. With `random`, doorbells ring again later,
 * with and without what was saved, and workers come and go.
 *
 * Throws what a handler throws, with the event in front of it.
 */
export async function play(
  model: ReadModel,
  batches: readonly Batch[],
  random: () => number = () => 0,
): Promise<NamedRows> {
  const clock = new FakeClock();
  const rows: MemoryRows = new Map();
  const store = new MemoryStore({ clock, opaqueStore: new MemoryOpaqueStore({ clock, rows }) });
  const failures: Happening[] = [];
  const observe = (happening: Happening): void => {
    if (happening.kind === "failed") failures.push(happening);
  };
  const all = [frozen(model)];
  const keyring = createKeyring(memoryKeyStore(), { secret: crypto.getRandomValues(new Uint8Array(32)) });
  const start = (): Subscriptions => new Subscriptions({ store, clock, keyring, all, observe });
  let worker = start();
  const rung: Doorbell[] = [];
  for (const batch of batches) {
    const bell = doorbellOf(batch);
    await store.save(bell.streamId, bell.records ?? []);
    rung.push(bell);
    if (random() > 0.7) worker = start();
    const again = random() > 0.7 ? rung.slice(Math.floor(random() * rung.length)) : [];
    for (const { records, ...told } of [bell, ...again]) {
      const delivery = await worker.deliver([random() < 0.5 ? { ...told, records } : told]);
      const [failure] = delivery.failures;
      if (failure !== undefined) throw failure.error;
      const [failed] = failures;
      if (failed !== undefined) throw unhandled(batches, failed);
    }
  }
  const prefix = modelPrefix(subscriptionId(model));
  const { schema } = requireKeyModel(model.schema as DescMessage);
  const ours = [...rows.values()].filter(({ pk }) => pk.startsWith(prefix));
  const stored = ours.map((row) => ({ ...row, pk: row.pk.slice(prefix.length) }));
  const messages: readonly Message[] = await rowReader(schema, keyring)(stored);
  return new Map(messages.map((row) => [rowName(schema, row), row]));
}

/** The read model, with events that its handlers can't change, and of which none is tried twice. */
function frozen(model: ReadModel): Subscription {
  return {
    ...model,
    tries: 1,
    react: (run, tools) => model.react({ ...run, events: run.events.map(freeze) }, tools),
  };
}

function doorbellOf(batch: Batch): Doorbell {
  const [{ streamId }] = batch;
  const records = batch.map(({ schema, event }) =>
    create(RecordSchema, { version: event.version, data: binarySerializer.serialize(schema, event) }),
  );
  return { streamId, version: records.at(-1)?.version ?? 0n, kind: "saved", records };
}

function unhandled(batches: readonly Batch[], { streamId, version, error }: Happening): Error {
  const event = batches.flat().find((one) => one.streamId === streamId && one.event.version === version);
  const name = event === undefined ? streamId : showEvent(event);
  return new Error(`${name} can't be handled: ${String(error)}`, { cause: error });
}
