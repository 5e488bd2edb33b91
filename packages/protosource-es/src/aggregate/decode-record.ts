/** The event in a record of an aggregate's stream. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { decompress } from "../gzip/gzip.js";
import type { Open } from "../personal/keyring.js";
import { eventPlace } from "../personal/places.js";
import type { Serializer } from "../serializer/serializer.js";
import type { StoredRecord } from "../store/store.js";
import type { Behaviour, EventMessage } from "./behaviour.js";

/**
 * Reads the event in a record, as it is stored: its personal fields are sealed, and it may be retired.
 *
 * Throws `unhandled_event` and `corrupt_record` with the record's version.
 */
export function decodeRecord(
  behaviour: Behaviour,
  serializer: Serializer,
  streamId: string,
  record: StoredRecord,
): EventMessage {
  const key = recordKey(streamId, record);
  let event: Message;
  try {
    event = serializer.deserialize(decompress(record.data, key), behaviour.registry, key);
  } catch (cause) {
    if (isProtosourceError(cause, "unhandled_event"))
      throw unhandledEvent(streamId, record.version, cause.details.typeName);
    if (isProtosourceError(cause, "corrupt_record"))
      throw corruptRecord(streamId, record.version, cause.rawMessage, cause);
    throw cause;
  }
  if (eventSchema(behaviour, event) !== undefined) return event as EventMessage;
  throw unhandledEvent(streamId, record.version, event.$typeName);
}

/**
 * Opens the personal fields of an event, in place. Throws `corrupt_record` with the record's version, and `key_missing`.
 */
export function openEvent(
  behaviour: Behaviour,
  streamId: string,
  record: StoredRecord,
  event: EventMessage,
  open: Open,
): void {
  const { version } = record;
  try {
    const place = eventPlace(streamId, version);
    open(eventSchema(behaviour, event) as DescMessage, event, place, recordKey(streamId, record));
  } catch (cause) {
    if (!isProtosourceError(cause, "corrupt_record")) throw cause;
    throw corruptRecord(streamId, version, cause.rawMessage, cause);
  }
}

/** Gives the schema of an event, current or retired, or a snapshot; undefined for one of another aggregate. */
export function eventSchema({ events, retired, snapshot }: Behaviour, { $typeName }: Message): DescMessage | undefined {
  const found = events.get($typeName)?.schema ?? retired.get($typeName);
  return found ?? (snapshot?.schema.typeName === $typeName ? snapshot.schema : undefined);
}

function recordKey(streamId: string, { version }: StoredRecord): string {
  return `version ${version} of ${streamId}`;
}

function unhandledEvent(aggregateId: string, version: bigint, typeName: string): ProtosourceError<"unhandled_event"> {
  return new ProtosourceError(
    "unhandled_event",
    `version ${version} of ${aggregateId} is an event of the unknown type ${typeName}: keep the message in the .proto`,
    { typeName, aggregateId, version },
  );
}

/** Gives the error of a record that can't be read. */
export function corruptRecord(
  key: string,
  version: bigint,
  message: string,
  cause: ProtosourceError,
): ProtosourceError<"corrupt_record"> {
  return new ProtosourceError("corrupt_record", message, { key, version }, { cause });
}
