/** The deletion of an aggregate: a tombstone ends its stream, and all before it goes. */
import { isDeletable } from "../aggregate/file-model.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { rowKey } from "../opaquedata/key-fields.js";
import { throwIfAborted } from "../store/save-checks.js";
import type { StoredRecord, StreamingStore, TrimmableStore } from "../store/store.js";
import { isTombstone, tombstoneRecord } from "../store/tombstone.js";
import { DEFAULT_RETRIES } from "./apply-tasks.js";
import { checkVersion } from "./checks.js";
import { claimChanges, uniqueValues } from "./claims.js";
import { type LoadedState, readState } from "./load.js";
import type { Call } from "./observed-operation.js";
import { pause } from "./pause.js";
import type { DeleteOptions } from "./repository-options.js";
import { saveCommand } from "./save.js";
import { type Setup, streamIdOf } from "./setup.js";

/** How many records are taken away at once. */
const CUT_LENGTH = 500;

/**
 * Deletes an aggregate, and tells whether anything of it was there. From its first write on, which is the tombstone with
 * the unique values, nobody sees the aggregate; what an interrupted call leaves, the same call takes away.
 */
export async function deleteAggregate(
  setup: Setup,
  id: string,
  { actor = "", expectedVersion }: DeleteOptions,
  call: Call,
): Promise<boolean> {
  const store = requireTrimming(setup);
  const retries = expectedVersion === undefined ? (setup.options.retries ?? DEFAULT_RETRIES) : 0;
  const outcome = await untilBuried(setup, id, retries, call, (loaded) => {
    checkVersion(id, loaded, expectedVersion);
    return bury(setup, id, loaded, actor, call);
  });
  if (outcome === "absent") return false;
  await setup.warm?.drop(streamIdOf(setup, id));
  await deleteRows(setup, id, call);
  const cut = await cutEvents(store, streamIdOf(setup, id), call);
  return outcome === "buried" || cut;
}

/** Ends the stream, and again when somebody else was first; tells whether that was done before, or there is no stream. */
async function untilBuried(
  setup: Setup,
  id: string,
  retries: number,
  call: Call,
  end: (loaded: LoadedState) => Promise<void>,
): Promise<"buried" | "earlier" | "absent"> {
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(call.signal, "delete");
    const loaded = await readState(setup, id, call);
    if (loaded.absence === "deleted") return "earlier";
    if (loaded.last === undefined) return "absent";
    try {
      await end(loaded);
      return "buried";
    } catch (error) {
      if (!isProtosourceError(error, "version_conflict") || attempt >= retries) throw error;
      call.facts.conflicts++;
      await pause(attempt, call.signal);
    }
  }
}

/** Ends the stream just behind what was read, and frees the unique values, at once. */
async function bury(setup: Setup, id: string, loaded: LoadedState, actor: string, { signal }: Call): Promise<void> {
  const { definition, store, clock, format } = setup;
  const stream = streamIdOf(setup, id);
  const tombstone = tombstoneRecord({ stream, version: loaded.version + 1n, at: clock.now(), actor });
  const taken = uniqueValues(definition, loaded.aggregate, format.keyring);
  const claims = claimChanges(taken, uniqueValues(definition, undefined, format.keyring), stream, {
    before: loaded.last?.ttl,
    ttl: 0n,
  });
  const write = { aggregateId: stream, records: [tombstone], after: loaded.last };
  await saveCommand(store, [write], { rows: [], claims, check: [], splitSaves: false, signal });
}

async function deleteRows({ behaviour, store }: Setup, id: string, { signal }: Call): Promise<void> {
  const { opaqueStore } = store;
  if (opaqueStore === undefined) return;
  for (const schema of [behaviour.schema, ...behaviour.projections.map((projection) => projection.schema)]) {
    throwIfAborted(signal, "delete");
    await opaqueStore.delete(rowKey(schema, id), { signal });
  }
}

/** Takes away what lies before the tombstone, the oldest first, and tells whether there was anything. */
async function cutEvents(store: StreamingStore & TrimmableStore, streamId: string, { signal }: Call): Promise<boolean> {
  let length = CUT_LENGTH;
  let first: bigint | undefined;
  for (;;) {
    throwIfAborted(signal, "delete");
    const records: StoredRecord[] = [];
    for await (const record of store.events(streamId, { limit: length, includeExpired: true, signal })) {
      if (!isTombstone(record)) records.push(record);
    }
    if (records.length === 0) return first !== undefined;
    // Records that are stored as one item go together.
    if (records[0]?.version === first) length *= 2;
    first = records[0]?.version;
    await store.cutBeginning(streamId, records, { signal });
  }
}

/** Checks that the aggregate may be deleted, and the store can. Throws `not_configured`. */
function requireTrimming({ behaviour, store }: Setup): StreamingStore & TrimmableStore {
  const { typeName } = behaviour.schema;
  if (!isDeletable(behaviour.schema)) {
    throw new ProtosourceError(
      "not_configured",
      `${typeName} can't be deleted: write "option (protosource_es.options.v1.protosource_es_message).deletable = true;" in it`,
      { option: "deletable" },
    );
  }
  if (store.events === undefined || store.cutBeginning === undefined) {
    throw new ProtosourceError(
      "not_configured",
      "a deletion needs a store with events and cutBeginning: give another store",
      { option: "store" },
    );
  }
  return store as StreamingStore & TrimmableStore;
}
