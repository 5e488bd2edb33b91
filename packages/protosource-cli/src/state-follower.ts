/** The state of an aggregate, event by event, as far as its stream tells. */
import { create, type Message } from "@bufbuild/protobuf";
import { applyEvent, beginsLife, isProtosourceError, isStaleSnapshot, type StoredRecord, upcast } from "protosource-es";
import { usageError } from "./failure.js";
import type { KnownAggregate } from "./schemas.js";
import { sealedAfter } from "./sealed-state.js";

/** Follows a stream from its first record on. */
export interface StateFollower {
  /** Takes the next record, and its event unless that can't be read. */
  next(record: StoredRecord, event: Message | undefined): void;
  /** Gives the state after the last record; undefined where the records before don't tell it. */
  state(): Message | undefined;
  /** Gives the names of its fields that are sealed, and read as empty. */
  sealed(): ReadonlySet<string>;
}

/**
 * Follows the state of an aggregate. It is known from version 1 on, from a snapshot, and from the event that begins a new life of
 * the id; a gap, an event that can't be read and one of another aggregate hide it until the next of these. A retired event is
 * read as what the domain's code makes of it, and hides the state where that isn't known. A snapshot that another release of
 * the domain made says nothing where the state is known.
 *
 * `next` throws `invalid_argument` when the domain's own code fails.
 */
export function followState(known: KnownAggregate): StateFollower {
  const { definition, hasRules } = known;
  const { schema, model, rules } = definition;
  const events = new Set(model.events.map(({ schema }) => schema.typeName));
  const snapshots = new Set(model.snapshots.map(({ schema }) => schema.typeName));
  let previous: StoredRecord | undefined;
  /** The last event, of the record before or right before snapshots and what is ignored. */
  let before: Message | undefined;
  let state: (Message & { id: string; version: bigint }) | undefined;
  let sealed: ReadonlySet<string> = new Set();

  return {
    next(record, stored) {
      const event = stored && currentEvent(definition, stored);
      const follows = record.version === (previous?.version ?? 0n) + 1n;
      if (!follows) before = undefined;
      const isAnew = event !== undefined && beginsLife(definition, event, before);
      if (event === undefined || events.has(event.$typeName)) before = event;
      if (!follows || event === undefined) state = undefined;
      const isBase = event !== undefined && state === undefined && snapshots.has(event.$typeName) && hasState(event);
      if (event && (record.version === 1n || isAnew || isBase)) {
        state = create(schema);
        sealed = new Set();
      }
      previous = record;
      if (state === undefined || event === undefined) return;
      const isStale = !isBase && hasRules && snapshots.has(event.$typeName) && isStaleSnapshot(definition, record);
      try {
        if (!isStale) {
          applyEvent(definition, state, event);
          sealed = sealedAfter(known, sealed, event);
        }
      } catch (error) {
        if (!isProtosourceError(error)) throw error;
        state = undefined;
        return;
      }
      state.version = record.version;
      try {
        rules.afterOn?.(state);
      } catch (cause) {
        const problem = `afterOn of ${schema.typeName} fails at version ${record.version}: ${String(cause)}`;
        throw usageError("--domain", problem, cause);
      }
    },
    state: () => state,
    sealed: () => sealed,
  };
}

/** Gives the event that an event is read as; undefined where that isn't known. */
function currentEvent(definition: KnownAggregate["definition"], event: Message): Message | undefined {
  try {
    return upcast(definition, event);
  } catch (error) {
    if (isProtosourceError(error)) return undefined;
    throw error;
  }
}

function hasState(snapshot: Message): boolean {
  return (snapshot as { readonly snapshot?: Message }).snapshot !== undefined;
}
