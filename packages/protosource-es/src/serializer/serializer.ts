import type { DescMessage, Message, MessageShape, Registry } from "@bufbuild/protobuf";

/** Turns events into the data of a record, and back. Nothing in a record tells which serializer wrote it. */
export interface Serializer {
  /** Gives the data of an event, uncompressed. */
  serialize<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array;

  /**
   * Gives the event that uncompressed data holds. The registry must know its type.
   *
   * Throws `unhandled_event` for a type that the registry doesn't know, and `corrupt_record` for data that isn't an
   * event. `key` names the record in errors.
   */
  deserialize(data: Uint8Array, registry: Registry, key: string): Message;
}
