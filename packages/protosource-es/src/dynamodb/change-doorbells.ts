/** The doorbells that records of DynamoDB Streams are. */
import { isProtosourceError } from "../errors.js";
import type { Doorbell } from "../store/doorbell.js";
import type { StoredRecord } from "../store/store.js";
import { type ReadRecord, readEvents } from "./items.js";
import type { Item } from "./limits.js";
import type { ChangeRecord } from "./streams-client.js";

/**
 * Gives the doorbell of a change in an events table; undefined for a change of anything but an event. A deletion is one
 * by having no new item: DynamoDB Local names it otherwise when it deletes what has expired.
 */
export function doorbellOf({ eventName, dynamodb }: ChangeRecord): Doorbell | undefined {
  const { Keys: { a, v } = {}, NewImage } = dynamodb ?? {};
  const streamId = a?.S;
  if (!streamId || v?.N === undefined || !/^-?\d+$/.test(v.N)) return undefined;
  const first = BigInt(v.N);
  if (NewImage === undefined && eventName !== "INSERT" && eventName !== "MODIFY") {
    return { streamId, version: first, kind: "gone" };
  }
  const records = NewImage && recordsOf(streamId, NewImage as Item);
  return { streamId, version: records?.at(-1)?.version ?? first, kind: "saved", ...(records && { records }) };
}

/** What can't be read is left for the store to say. */
function recordsOf(streamId: string, item: Item): readonly StoredRecord[] | undefined {
  const read: ReadRecord[] = [];
  try {
    readEvents(item, "the stream", streamId, read);
  } catch (error) {
    if (!isProtosourceError(error, "corrupt_record")) throw error;
    return undefined;
  }
  return read.length === 0 ? undefined : read.map(({ record }) => record);
}
