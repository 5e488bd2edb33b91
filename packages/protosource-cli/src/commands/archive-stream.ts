/** `streams archive`: what lies before the last snapshot of a stream is moved into a file. */
import { existsSync } from "node:fs";
import { equals, type Message } from "@bufbuild/protobuf";
import {
  fromRecord,
  isProtosourceError,
  isTombstone,
  ProtosourceError,
  Repository,
  type ScannedRecord,
} from "protosource-es";
import { type Action, type SchemaOptions, useStore } from "../command.js";
import { commandLine } from "../command-line.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { counted } from "../format.js";
import { subscriptionsBehind } from "../known-subscriptions.js";
import { loadSchemas } from "../load-schemas.js";
import { readWhole } from "../scanning.js";
import { aggregateOf, type KnownAggregate, type Schemas, streamPrefix } from "../schemas.js";
import { keepOnce } from "../transfer/backup.js";
import { checkExport, readEntries } from "../transfer/read-export.js";

export interface ArchiveOptions extends SchemaOptions {
  readonly backup?: string;
  readonly withoutGo?: boolean;
}

export const archiveStream: Action<ArchiveOptions> = async ({ output, signal, args }, options, streamId = "") => {
  const { backup, withoutGo } = options;
  if (backup !== undefined && !withoutGo) {
    throw usageError(
      "--without-go",
      "a service in Go that replays whole streams can't read one that begins with a snapshot: say by --without-go that there is none",
    );
  }
  const schemas = await loadSchemas(options);
  for (const problem of schemas.problems) output.note(`warning: ${problem}`);
  const known = aggregateOf(schemas, streamId);
  const { domain } = options;
  if (domain === undefined || !known?.hasRules) {
    throw usageError(
      "--domain",
      "whether a snapshot tells the same as the events before it, the domain's code says: add --domain",
    );
  }
  return useStore(options, async (opened) => {
    const { store } = opened;
    const found = await readWhole(store, streamId, signal);
    const moved = backup !== undefined && existsSync(backup) ? await eventsIn(backup, streamId, signal) : [];
    const base = await findBase(schemas, known, streamId, { moved, found });
    const before = found.slice(0, base);
    const from = found[base]?.record.version;
    if (before.length === 0) {
      if (output.json) await output.value({ archived: { stream: streamId, events: 0, from } });
      else await output.line(`${streamId} begins with its last snapshot, at version ${from}.`);
      return EXIT.ok;
    }
    const { version } = (before.at(-1) as ScannedRecord).record;
    const source = { ...schemas, domain };
    const behind = await subscriptionsBehind(opened, source, { streamId, version }, signal);
    if (backup === undefined) {
      if (output.json) await output.value({ stream: streamId, plan: { events: before.length, from, behind } });
      else await output.line(`${counted(before.length, "event")} lie before the snapshot at version ${from}.`);
      for (const name of behind) output.note(`${name} hasn't handled them: ${REMEDY}`);
      const line = commandLine([...args, "--backup", "archive.jsonl", "--without-go"]);
      output.note(
        "Subscriptions that the module doesn't export aren't asked, and new read models aren't made of them.\n" +
          `To move them into a file:\n  ${line}`,
      );
      return EXIT.found;
    }
    if (behind.length > 0) {
      throw usageError("stream", `${behind.join(", ")} can't do without what would be moved: ${REMEDY}`);
    }
    await keepOnce(backup, before, [], signal, found[base]);
    await store.cutBeginning(
      streamId,
      before.map(({ record }) => record),
      { signal },
    );
    if (output.json) await output.value({ archived: { stream: streamId, events: before.length, from, backup } });
    else
      await output.line(
        `${streamId} begins at version ${from}. Moved to ${backup}: ${counted(before.length, "event")}.`,
      );
    return EXIT.ok;
  });
};

/** What is done about a subscription that still has to read what would be moved. */
const REMEDY = "run protosource subscriptions catch-up, and release what is parked";

/** A stream, and what an interrupted call has moved out of it. */
interface StoredStream {
  readonly moved: readonly ScannedRecord[];
  readonly found: readonly ScannedRecord[];
}

/** Reads the events that the file of an earlier call keeps. Throws `invalid_argument` for one that is damaged, or of another stream. */
async function eventsIn(path: string, streamId: string, signal: AbortSignal): Promise<readonly ScannedRecord[]> {
  await checkExport(path, false, () => {}, signal);
  const events: ScannedRecord[] = [];
  for await (const { entry } of readEntries(path, { offset: 0, lines: 0 }, signal)) {
    if (entry.kind !== "event" || entry.streamId !== streamId) {
      throw usageError("--backup", `${path} is there, and isn't an archive of ${streamId}: give a new file`);
    }
    events.push({ aggregateId: streamId, record: entry.record, following: 0 });
  }
  return events;
}

/**
 * Finds the last snapshot from which programs load the same state as from all that is stored.
 *
 * Throws `not_found` where there is none: they are stale, or tell another state.
 */
async function findBase(
  { serializer, keyring }: Schemas,
  { definition }: KnownAggregate,
  streamId: string,
  { moved, found }: StoredStream,
): Promise<number> {
  const id = streamId.slice(streamPrefix(definition).length);
  const types = new Set(definition.model.snapshots.map(({ schema }) => schema.typeName));
  const isSnapshot = ({ record }: ScannedRecord): boolean =>
    !isTombstone(record) && types.has(fromRecord(definition, record, { serializer }).$typeName);
  const load = async (
    scanned: readonly ScannedRecord[],
  ): Promise<(Message & { id: string; version: bigint }) | undefined> => {
    const records = scanned.map(({ record }) => record);
    const history = { $typeName: "funinthecloud.protosource.history.v1.History", records } as const;
    const store = { load: async () => history, save: async () => {} };
    try {
      return await new Repository(definition, store, { serializer, keyring }).load(id);
    } catch (error) {
      if (isProtosourceError(error, "corrupt_stream") || isProtosourceError(error, "not_found")) return undefined;
      throw error;
    }
  };
  for (let i = found.length - 1; i >= 0; i--) {
    if (!isSnapshot(found[i] as ScannedRecord)) continue;
    const ofTail = await load(found.slice(i));
    if (i === 0 && ofTail !== undefined) return 0;
    const first = found[0]?.record.version ?? 0n;
    const earlier = moved.filter(({ record }) => record.version < first);
    const ofAll = await load([...earlier, ...found.filter((scanned, j) => j < i || !isSnapshot(scanned))]);
    if (ofTail === undefined || ofAll === undefined) continue;
    // A snapshot at the end takes a version.
    ofTail.version = ofAll.version;
    if (equals(definition.schema, ofTail, ofAll)) return i;
  }
  throw new ProtosourceError(
    "not_found",
    `${streamId} has no snapshot that tells the same state as its events: nothing was moved`,
    { aggregateId: streamId, reason: "unknown" },
  );
}
