/** The events of records, with what is sealed opened where that is wanted. */
import type { Message } from "@bufbuild/protobuf";
import { fromRecord, isProtosourceError, type ScannedRecord } from "protosource-es";
import { mayBePersonal } from "protosource-es/personal";
import { type Payload, readPayload } from "../payload.js";
import { aggregateOf, type Schemas } from "../schemas.js";

/** A record, and what could be read of it. */
export interface ReadEvent {
  readonly scanned: ScannedRecord;
  readonly payload: Payload;
}

/**
 * Reads the events of records. With `opens` their personal fields are opened, where there are keys: those of all of them are
 * fetched at once. What doesn't open comes as it is stored. Throws `unavailable` for a key store that doesn't answer.
 */
export async function readEvents(
  schemas: Schemas,
  records: readonly ScannedRecord[],
  opens: boolean,
  signal: AbortSignal,
): Promise<readonly ReadEvent[]> {
  const { keyring, serializer } = schemas;
  const read = records.map((scanned) => {
    return { scanned, payload: readPayload(scanned.aggregateId, scanned.record, schemas) };
  });
  const personal = read.flatMap(({ payload: { event } }) =>
    event && mayBePersonal(event.schema) ? [[event.schema, event.message] as const] : [],
  );
  if (!opens || keyring === undefined || personal.length === 0) return read;
  const open = await keyring.opener(personal, { signal });
  return read.map(({ scanned, payload }) => {
    const { event } = payload;
    const known = aggregateOf(schemas, scanned.aggregateId);
    if (event === undefined || known === undefined || !mayBePersonal(event.schema)) return { scanned, payload };
    let opened: Message = event.message;
    try {
      // What is taken is the event as it is stored, and not what a retired one is read as.
      fromRecord(known.definition, scanned.record, {
        serializer,
        open(schema, message, place, key) {
          open(schema, message, place, key);
          opened = message;
        },
      });
    } catch (error) {
      // What the aggregate doesn't know is shown as far as it can be read.
      if (!isProtosourceError(error, "corrupt_record") && !isProtosourceError(error, "unhandled_event")) throw error;
    }
    return { scanned, payload: { ...payload, event: { ...event, message: opened } } };
  });
}
