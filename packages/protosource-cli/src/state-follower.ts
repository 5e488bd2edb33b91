/** The state of an aggregate, event by event, as far as its stream tells. */
import { create, type Message } from "@bufbuild/protobuf";
import { applyEvent, isProtosourceError, type StoredRecord } from "protosource-es";
import type { KnownAggregate } from "./schemas.js";

/** What an event begins with. */
interface EventEnvelope {
  readonly at: bigint;
}

/** Follows a stream from its first record on. */
export interface StateFollower {
  /** Takes the next record, and its event unless that can't be read. */
  next(record: StoredRecord, event: Message | undefined): void;
  /** Gives the state after the last record; undefined where the records before don't tell it. */
  state(): Message | undefined;
}

/**
 * Follows the state of an aggregate. It is known from version 1 on, from a snapshot, and from a creation that follows
 * records which had expired; a gap, an event that can't be read and one of
 * another aggregate hide it until the next snapshot.
 */
export function followState({ definition }: KnownAggregate): StateFollower {
  const { schema, model, rules } = definition;
  const creations = new Set(model.events.filter(({ creation }) => creation).map(({ schema }) => schema.typeName));
  const snapshots = new Set(model.snapshots.map(({ schema }) => schema.typeName));
  let previous: StoredRecord | undefined;
  let state: (Message & { id: string; version: bigint }) | undefined;

  return {
    next(record, event) {
      const follows = record.version === (previous?.version ?? 0n) + 1n;
      const isAnew =
        event !== undefined && creations.has(event.$typeName) && (!previous || hadExpired(previous, event));
      if (!follows || event === undefined) state = undefined;
      if (event && (record.version === 1n || isAnew || (state === undefined && snapshots.has(event.$typeName)))) {
        state = create(schema);
      }
      previous = record;
      if (state === undefined || event === undefined) return;
      try {
        applyEvent(definition, state, event);
      } catch (error) {
        if (!isProtosourceError(error)) throw error;
        state = undefined;
        return;
      }
      state.version = record.version;
      rules.afterOn?.(state);
    },
    state: () => state,
  };
}

function hadExpired({ ttl }: StoredRecord, event: Message): boolean {
  const { at } = event as Message & EventEnvelope;
  return ttl > 0n && ttl <= at / 1_000_000n;
}
