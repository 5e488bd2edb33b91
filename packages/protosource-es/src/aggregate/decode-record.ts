/** The event in a record of an aggregate's stream. */
import type { Message } from "@bufbuild/protobuf";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { decompress } from "../gzip/gzip.js";
import type { Serializer } from "../serializer/serializer.js";
import type { StoredRecord } from "../store/store.js";
import type { Behaviour, EventMessage } from "./behaviour.js";

/** Reads the event in a record. Throws `unhandled_event` and `corrupt_record` with the record's version. */
export function decodeRecord(
  behaviour: Behaviour,
  serializer: Serializer,
  streamId: string,
  record: StoredRecord,
): EventMessage {
  const key = `version ${record.version} of ${streamId}`;
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
  if (behaviour.events.has(event.$typeName) || behaviour.snapshot?.schema.typeName === event.$typeName) {
    return event as EventMessage;
  }
  throw unhandledEvent(streamId, record.version, event.$typeName);
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
