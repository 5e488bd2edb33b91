/** The events in records that have been read together. */
import type { CallOptions } from "../call-options.js";
import { ProtosourceError } from "../errors.js";
import type { Keyring, TypedMessage } from "../personal/keyring.js";
import type { Serializer } from "../serializer/serializer.js";
import type { StoredRecord } from "../store/store.js";
import type { Aggregate } from "./aggregate.js";
import { behaviourOf, type EventMessage } from "./behaviour.js";
import { decodeRecord, eventSchema, openEvent } from "./decode-record.js";
import type { AggregateTypes } from "./types.js";
import { upcast } from "./upcast.js";

/** How events are read from records. */
export interface EventFormat {
  readonly serializer: Serializer;
  /** Opens personal fields. */
  readonly keyring?: Keyring | undefined;
}

/** Reads the event in one of the records. Throws what `decodeRecord` and `upcast` do. */
export type ReadEvent = (record: StoredRecord) => EventMessage;

/**
 * Makes the function that reads the events of records of a stream, when they are asked for: retired ones as what they mean
 * now, and as they are stored where they are ignored. Where they hold personal fields, the keys of all of them are fetched
 * now: a request at most for those that aren't known.
 *
 * Throws `not_configured` without a keyring where events hold personal fields, and `unavailable`.
 */
export async function eventReader<T extends AggregateTypes>(
  definition: Aggregate<T>,
  { serializer, keyring }: EventFormat,
  streamId: string,
  records: readonly StoredRecord[],
  options?: CallOptions,
): Promise<ReadEvent> {
  const behaviour = behaviourOf(definition.schema);
  const current = ({ version }: StoredRecord, event: EventMessage): EventMessage =>
    behaviour.retired.has(event.$typeName) ? (upcast(definition, event, { streamId, version }) as EventMessage) : event;
  if (!behaviour.isPersonal) {
    return (record) => current(record, decodeRecord(behaviour, serializer, streamId, record));
  }
  const events = new Map<StoredRecord, EventMessage>();
  for (const record of records) {
    try {
      events.set(record, decodeRecord(behaviour, serializer, streamId, record));
    } catch {
      // One that can't be read is told of where it is asked for: nobody may.
    }
  }
  const typed = [...events.values()].map((event) => [eventSchema(behaviour, event), event] as TypedMessage);
  const open = await requireKeyring(keyring, behaviour.schema.typeName).opener(typed, options);
  return (record) => {
    const event = events.get(record) ?? decodeRecord(behaviour, serializer, streamId, record);
    events.delete(record);
    openEvent(behaviour, streamId, record, event, open);
    return current(record, event);
  };
}

/** Gives the keyring. Throws `not_configured` where there is none. */
export function requireKeyring(keyring: Keyring | undefined, typeName: string): Keyring {
  if (keyring !== undefined) return keyring;
  throw new ProtosourceError(
    "not_configured",
    `${typeName} has personal fields, which are stored sealed: give the keyring that seals and opens them`,
    { option: "keyring" },
  );
}
