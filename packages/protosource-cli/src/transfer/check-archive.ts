/** Whether a file of one stream, as `streams delete` and `streams archive` write it, belongs before what is stored. */
import { isTombstone, ProtosourceError } from "protosource-es";
import type { OpenStore } from "../open-store.js";
import { recordPages } from "../scanning.js";
import { readEntries } from "./read-export.js";

/**
 * Checks that the import of a file of one stream leaves no gap before what is stored of it, and brings nothing back of an
 * aggregate that was deleted. A file of several streams, or of none, isn't looked at.
 *
 * Throws `version_conflict`.
 */
export async function checkArchive({ store }: OpenStore, path: string, signal: AbortSignal): Promise<void> {
  const archive = await soleStream(path, signal);
  if (archive === undefined) return;
  const { streamId, last } = archive;
  let first: bigint | undefined;
  for await (const page of recordPages(store, { aggregateId: streamId, signal })) {
    first ??= page.records[0]?.record.version;
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

/** Finds the stream whose events a file holds, and the last of them; undefined where they are of several, or there are none. */
async function soleStream(
  path: string,
  signal: AbortSignal,
): Promise<{ readonly streamId: string; readonly last: bigint } | undefined> {
  let found: { readonly streamId: string; readonly last: bigint } | undefined;
  for await (const { entry } of readEntries(path, { offset: 0, lines: 0 }, signal)) {
    if (entry.kind !== "event") continue;
    const { streamId, record } = entry;
    if (found !== undefined && found.streamId !== streamId) return undefined;
    found = { streamId, last: found !== undefined && found.last > record.version ? found.last : record.version };
  }
  return found;
}
