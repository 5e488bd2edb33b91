/** The events in records of a stream that a subscription follows. */
import type { EventMessage } from "../aggregate/behaviour.js";
import { eventReader } from "../aggregate/event-reader.js";
import { isProtosourceError, type ProtosourceError } from "../errors.js";
import { metaOf, type SaveMeta } from "../store/meta.js";
import type { StoredRecord } from "../store/store.js";
import type { Engine } from "./engine.js";
import type { SubscriptionSource } from "./subscription.js";

/** An event and what was kept with its save, or what keeps them from being read. */
export type ReadEvent =
  | { readonly event: EventMessage; readonly meta: SaveMeta | undefined }
  | { readonly error: ProtosourceError };

/** Makes the function that reads the events in records, and what was kept with their saves. */
export async function eventsOf(
  engine: Engine,
  { definition }: SubscriptionSource,
  streamId: string,
  records: readonly StoredRecord[],
): Promise<(record: StoredRecord) => ReadEvent> {
  const read = await eventReader(definition, engine, streamId, records, { signal: engine.signal });
  return (record) => {
    try {
      return { event: read(record), meta: metaOf(record) };
    } catch (error) {
      if (isProtosourceError(error)) return { error };
      throw error;
    }
  };
}
