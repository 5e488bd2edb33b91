/** The event in a record of a stream that a subscription follows. */
import type { EventMessage } from "../aggregate/behaviour.js";
import { decodeRecord } from "../aggregate/decode-record.js";
import { isProtosourceError, type ProtosourceError } from "../errors.js";
import { metaOf, type SaveMeta } from "../store/meta.js";
import type { StoredRecord } from "../store/store.js";
import type { Engine } from "./engine.js";
import type { SubscriptionSource } from "./subscription.js";

/** An event and what was kept with its save, or what keeps them from being read. */
export type ReadEvent =
  | { readonly event: EventMessage; readonly meta: SaveMeta | undefined }
  | { readonly error: ProtosourceError };

/** Reads the event in a record, and what was kept with its save. */
export function eventOf(
  { serializer }: Engine,
  { behaviour }: SubscriptionSource,
  streamId: string,
  record: StoredRecord,
): ReadEvent {
  try {
    return { event: decodeRecord(behaviour, serializer, streamId, record), meta: metaOf(record) };
  } catch (error) {
    if (isProtosourceError(error)) return { error };
    throw error;
  }
}
