/** Events that were made elsewhere, as in an import: no step of a command but the last. */
import type { Message } from "@bufbuild/protobuf";
import { derive, emptyAggregate, eventBehaviourOf } from "../aggregate/aggregate.js";
import type { EventMessage } from "../aggregate/behaviour.js";
import { invalid } from "../errors.js";
import { snapshotRule } from "./change.js";
import { checkVersion } from "./checks.js";
import { uniqueValues } from "./claims.js";
import { claimsOf, writeRows } from "./commit.js";
import { copyMessage } from "./copy-message.js";
import { append } from "./emit.js";
import { checkNotDeleted } from "./lifecycle.js";
import { carryOn, expiriesOf, watchedRecord } from "./lifetime.js";
import { readState } from "./load.js";
import type { Call } from "./observed-operation.js";
import { saveCommand, toRecords } from "./save.js";
import { sealerOf } from "./sealing.js";
import { type Setup, streamIdOf } from "./setup.js";
import type { WarmState } from "./warm-aggregates.js";

/** Appends events to the stream of an aggregate, with the snapshots that are due, and gives its version then. */
export async function appendEvents(
  setup: Setup,
  id: string,
  events: readonly Message[],
  expectedVersion: bigint | undefined,
  call: Call,
): Promise<bigint> {
  const { definition, behaviour, store, options, format, clock } = setup;
  const isPlain = expectedVersion !== undefined && needsNoState(setup);
  const loaded = (isPlain && (await readLast(setup, id, call))) || (await readState(setup, id, call));
  if (loaded.version !== expectedVersion) checkVersion(id, loaded, expectedVersion);
  checkNotDeleted(id, loaded.last);
  const taken = uniqueValues(definition, loaded.aggregate, format.keyring);
  const copies = events.map((event) => copyEvent(setup, id, event));
  const accepts = snapshotRule(setup, id);
  const at = (): bigint => clock.now();
  const { stored, aggregate } = append(definition, loaded.aggregate ?? emptyAggregate(definition), copies, {
    version: loaded.version,
    at,
    accepts,
  });
  if (stored.length === 0) return loaded.version;
  const snapshot = carryOn(setup, loaded, stored, aggregate, { at, accepts });
  const all = snapshot === undefined ? stored : [...stored, snapshot];
  derive(definition, aggregate);
  const sealer = await sealerOf(behaviour, all, aggregate, format.keyring, { signal: call.signal });
  const records = toRecords(behaviour, id, all, expiriesOf(setup, all, loaded), { ...format, sealer });
  const write = { aggregateId: streamIdOf(setup, id), records, after: watchedRecord(setup, loaded) };
  const claims = claimsOf(setup, id, { taken, aggregate, loaded, records });
  await saveCommand(store, [write], { rows: [], claims, check: [], splitSaves: true, signal: call.signal });
  call.facts.events = copies.length;
  if (options.materialize !== "off") await writeRows(setup, { aggregate, records, sealer }, call.facts);
  return aggregate.version;
}

/** Tells whether events can be stored without the state before them: nothing that is made of it is kept. */
function needsNoState({ definition, behaviour, store, options }: Setup): boolean {
  const isLasting = behaviour.ttlSeconds === 0n && (store.ttlSeconds ?? 0) <= 0;
  const hasRows = options.materialize !== "off" && store.saveAggregate !== undefined;
  return (
    store.loadTail !== undefined &&
    isLasting &&
    !hasRows &&
    behaviour.snapshot === undefined &&
    definition.rules.unique === undefined
  );
}

/**
 * Reads where a stream ends: the last of its records alone. Gives undefined where that expires, as what comes behind it
 * depends on the life that it ends.
 */
async function readLast({ store, ...setup }: Setup, id: string, { signal }: Call): Promise<WarmState | undefined> {
  const options = { includeExpired: true, signal };
  const { records } = (await store.loadTail?.(setup.behaviour.streamPrefix + id, 1, options)) ?? { records: [] };
  const [last] = records;
  if (last !== undefined && last.ttl > 0n) return undefined;
  const aggregate = last && Object.assign(emptyAggregate(setup.definition), { version: last.version });
  return { aggregate, version: last?.version ?? 0n, last, firstExpiry: 0n };
}

function copyEvent({ definition, clock }: Setup, id: string, event: Message): EventMessage {
  const copy = copyMessage(eventBehaviourOf(definition, event).schema, event as EventMessage);
  if (copy.id !== "" && copy.id !== id) throw invalid("events", `an event is of ${copy.id}, and not of ${id}`);
  copy.id = id;
  if (copy.at === 0n) copy.at = clock.now();
  return copy;
}
