/** Whether a file of one stream, as `streams delete` and `streams archive` write it, belongs before what is stored. */
import { isTombstone, ProtosourceError } from "protosource-es";
import type { OpenStore } from "../open-store.js";
import { recordPages } from "../scanning.js";
import { eventDigest, parseLine } from "./entries.js";
import { readLines } from "./read-lines.js";

/** The events of one stream, in a file. */
interface Archive {
  readonly streamId: string;
  /** The last version. */
  readonly last: bigint;
  /** What the event behind it is known by, where the file says that. */
  readonly before: string | undefined;
}

/**
 * Checks that the import of a file of one stream leaves no gap before what is stored of it, brings nothing back of an
 * aggregate that was deleted, and that an archive is of this life of the id. A file of several streams, or of none, isn't
 * looked at.
 *
 * Throws `version_conflict`.
 */
export async function checkArchive({ store }: OpenStore, path: string, signal: AbortSignal): Promise<void> {
  const archive = await readArchive(path, signal);
  if (archive === undefined) return;
  const { streamId, last, before } = archive;
  let first: bigint | undefined;
  for await (const page of recordPages(store, { aggregateId: streamId, signal })) {
    first ??= page.records[0]?.record.version;
    const follower = page.records.find(({ record }) => record.version === last + 1n);
    if (before !== undefined && follower !== undefined && eventDigest(follower) !== before) {
      throw new ProtosourceError(
        "version_conflict",
        `${path} is of another life of ${streamId}: another event than the one that is stored as version ${last + 1n} came behind it`,
        { aggregateId: streamId, version: last + 1n },
      );
    }
    const tombstone = page.records.find(({ record }) => isTombstone(record))?.record;
    if (tombstone === undefined) continue;
    throw new ProtosourceError(
      "version_conflict",
      `${streamId} was deleted: free its id by protosource streams delete --free-id, then import the file`,
      { aggregateId: streamId, version: tombstone.version },
    );
  }
  if (first === undefined || last + 1n >= first) return;
  throw new ProtosourceError(
    "version_conflict",
    `${path} ends at version ${last} of ${streamId}, which begins at version ${first} in the store: import what lies between first, the newest archive before the older ones`,
    { aggregateId: streamId, version: first },
  );
}

/** Reads what a file holds of a stream; undefined where its events are of several, or there are none. */
export async function readArchive(path: string, signal: AbortSignal): Promise<Archive | undefined> {
  let found: Archive | undefined;
  let before: string | undefined;
  for await (const { text } of readLines(path, undefined, signal)) {
    const line = parseLine(text);
    if (line.kind === "head") before = line.before;
    if (line.kind !== "event") continue;
    const { streamId, record } = line;
    if (found !== undefined && found.streamId !== streamId) return undefined;
    found = {
      streamId,
      last: found !== undefined && found.last > record.version ? found.last : record.version,
      before,
    };
  }
  return found;
}
