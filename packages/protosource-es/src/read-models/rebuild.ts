/** Read models made anew from the events: after a new index or projection, or a crash between events and rows. */
import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Aggregate } from "../aggregate/aggregate.js";
import { behaviourOf } from "../aggregate/behaviour.js";
import type { FileModel } from "../aggregate/file-model.js";
import type { AggregateTypes } from "../aggregate/types.js";
import type { CallOptions, ScanSegment } from "../call-options.js";
import { type Clock, systemClock } from "../clock.js";
import { type ErrorCode, invalid, isProtosourceError, ProtosourceError } from "../errors.js";
import { DEFAULT_COMPRESS_THRESHOLD } from "../gzip/gzip.js";
import { rowKey } from "../opaquedata/key-fields.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import type { Keyring } from "../personal/keyring.js";
import { forEach } from "../repository/for-each.js";
import { loadState, type StreamSource } from "../repository/load.js";
import type { RepositoryOptions } from "../repository/repository-options.js";
import { sealerOf } from "../repository/sealing.js";
import { binarySerializer } from "../serializer/binary.js";
import type { Serializer } from "../serializer/serializer.js";
import { otherTurns } from "../signals.js";
import { eachSegment } from "../store/each-segment.js";
import { throwIfAborted } from "../store/save-checks.js";
import type { ClaimPage, RecordPage, ScannableStore, ScannedRecord, SnapshotTailStore, Store } from "../store/store.js";
import { findProblem } from "../store/stream-checks.js";
import { rowWrites, type ViewRow } from "./materialize.js";
import {
  type ClaimsRun,
  type ClaimsStore,
  claimsStore,
  freeClaim,
  hasUnique,
  type OwnerState,
  takeClaims,
  uniqueScopes,
} from "./rebuild-claims.js";
import { isSameRow } from "./same-row.js";

/** An aggregate as a generated `defineX` returns it, whatever its types. */
export interface AnyAggregate {
  readonly schema: GenMessage<AggregateTypes["aggregate"]>;
  readonly rules: {
    readonly afterOn?: ((aggregate: never) => void) | undefined;
    readonly unique?: object | undefined;
  };
  readonly model: FileModel;
}

/** A store whose streams can be rebuilt from. For aggregates with unique values it must keep claims as well. */
export type RebuildStore = Store & ScannableStore & Partial<SnapshotTailStore & ClaimsStore>;

export interface RebuildOptions extends CallOptions {
  /** Tells which records have expired. The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** The one that the streams are written with. Binary by default. */
  readonly serializer?: Serializer | undefined;
  /** The one that the writers' repositories have. Aggregates with personal fields need it. */
  readonly keyring?: Keyring | undefined;
  /** Rows of this many bytes and more are gzipped; 300 by default, and 0 for never. */
  readonly compressThreshold?: number | undefined;
  /** The one that the writers' repositories have. `refuse` by default, which counts such a row as failed. */
  readonly longIndexKeys?: RepositoryOptions["longIndexKeys"];
  /** Compares the rows, and writes none. */
  readonly dryRun?: boolean | undefined;
  /** Rebuilds one stream alone, by its whole name: its rows, and the unique values that it has. All by default. */
  readonly streamId?: string | undefined;
  /** In how many segments the streams are read at once. 4 by default, or as many as `resume` has. */
  readonly segments?: number | undefined;
  /** How many streams of a segment are worked on at once. 8 by default. */
  readonly concurrency?: number | undefined;
  /** How many items are read at once, and lost to a stop: progress is told after each page. 500 by default. */
  readonly pageSize?: number | undefined;
  /** Is awaited before each page and each stream, and so can slow the rebuild down. */
  readonly pace?: ((signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Goes on where an earlier rebuild stopped: the last progress that it told. */
  readonly resume?: RebuildProgress | undefined;
  /** Is told at the beginning and after each page how far the rebuild has come. */
  readonly onProgress?: ((progress: RebuildProgress) => void) | undefined;
  /**
   * Is told of each stream that can't be rebuilt, of each item that is no record or claim, and with `claim_taken` of each
   * unique value that another aggregate has as well.
   */
  readonly onFailure?: ((failure: RebuildFailure) => void) | undefined;
}

/** What a rebuild has done. */
export interface RebuildCounts {
  /** Records that were read, of any stream. */
  readonly records: number;
  /** Streams whose rows were looked at. */
  readonly streams: number;
  /** Streams of other aggregates than those given. */
  readonly otherStreams: number;
  /** Streams that no longer have a state, because it has expired. */
  readonly expiredStreams: number;
  /** Streams whose aggregate was deleted. */
  readonly deletedStreams: number;
  /** Rows of deleted aggregates that were taken away, or with `dryRun` would be. */
  readonly removed: number;
  /** Streams and items that couldn't be read. */
  readonly failed: number;
  /** Rows that were written, or with `dryRun` would be. */
  readonly written: number;
  /** Rows that were as they should be. */
  readonly unchanged: number;
  /** Rows that stay because a writer was there first with a later version. */
  readonly newer: number;
  /** Unique values that were taken for their aggregates, or with `dryRun` would be. */
  readonly claimsTaken: number;
  /** Unique values that no aggregate has and that were freed, or with `dryRun` would be. */
  readonly claimsFreed: number;
  /** Unique values that an aggregate has and another one owns. `onFailure` is told of each. */
  readonly collisions: number;
}

/** How far a rebuild has come: plain JSON, to be kept until it goes on. */
export interface RebuildProgress {
  readonly counts: RebuildCounts;
  readonly segments: readonly SegmentProgress[];
}

/** Where the rebuild of a segment goes on. */
export interface SegmentProgress {
  readonly done: boolean;
  readonly cursor?: string | undefined;
}

/** A stream that couldn't be rebuilt, or an item that is no record. The others were. */
export interface RebuildFailure {
  /** Undefined for an item of no stream. */
  readonly streamId: string | undefined;
  readonly error: unknown;
}

const DEFAULT_SEGMENTS = 4;
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_PAGE_SIZE = 500;

/** Errors that end a rebuild. Any other is about one stream, and the others go on. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "cancelled",
  "denied",
  "not_configured",
  "not_keyed",
  "table_missing",
  "unavailable",
]);

/**
 * Writes the rows of aggregates and their projections anew, each from its stream. It reads the whole table of events
 * once, and each row before it writes it, so that what is right already costs no write.
 *
 * It may run while writers work: a row never replaces one of a later version. It can be stopped by its signal and goes
 * on later from the last progress that it told; what it did twice does no harm. The rows expire as those that writers
 * left. Rows of streams that are gone stay, and those of deleted aggregates go.
 *
 * Derived fields come from the aggregates' own `afterOn`, so give the definitions that the writers use.
 *
 * Of aggregates with rules for unique values it also takes the values that they have and don't own, as after an import
 * or where the rule came later: one read for each value, and for each that is taken a transaction. At the end it frees
 * those that no aggregate has, for which it reads the whole table of claims. Two aggregates that have the same value keep
 * it, and the one that owns it stays the owner: change one of them.
 *
 * A stream whose events don't decode, or turn out to be another aggregate's, as with another serializer than the
 * writers', keeps its rows as they are.
 *
 * Throws `invalid_argument` for aggregates that share a package, for numbers below 1 and for a progress of other
 * segments, `not_configured` for a store that keeps no claims where values are unique, `not_keyed`, `cancelled`, and
 * what the stores throw. A stream that can't be read ends nothing: `onFailure` is told, and `failed` counts it.
 */
export async function rebuild(
  aggregates: readonly AnyAggregate[],
  store: RebuildStore,
  opaqueStore: OpaqueStore,
  options: RebuildOptions = {},
): Promise<RebuildCounts> {
  const { resume, streamId, signal } = options;
  const { segments = resume?.segments.length ?? (streamId === undefined ? DEFAULT_SEGMENTS : 1) } = options;
  const definitions = definitionsByPrefix(aggregates);
  const { concurrency = DEFAULT_CONCURRENCY, pageSize = DEFAULT_PAGE_SIZE } = options;
  // With none of one of these it would come to its end at once, and have done nothing.
  for (const [name, number] of Object.entries({ segments, concurrency, pageSize })) {
    if (!Number.isSafeInteger(number) || number < 1)
      throw invalid(name, `${name} is ${number}: give a whole number from 1`);
  }
  if (resume && resume.segments.length !== segments) {
    throw invalid("resume", `it stopped in ${resume.segments.length} segments: go on with as many`);
  }
  if (streamId !== undefined && segments !== 1) {
    throw invalid("segments", `one stream lies in one segment, and not in ${segments}: leave segments or streamId out`);
  }
  throwIfAborted(signal, "rebuild");

  const run: Run = {
    definitions,
    store,
    opaqueStore,
    options,
    signal,
    claims: aggregates.some(hasUnique) ? claimsStore(store) : undefined,
    counts: { ...NOTHING, ...resume?.counts },
    segments: resume ? [...resume.segments] : Array.from({ length: segments }, () => ({ done: false })),
  };
  options.onProgress?.({ counts: { ...run.counts }, segments: [...run.segments] });
  await eachSegment(run.segments.length, "rebuild", signal, (index, signal) =>
    rebuildSegment({ ...run, signal }, { index, of: segments }),
  );
  await freeClaims(run);
  return run.counts;
}

type Counts = { -readonly [K in keyof RebuildCounts]: number };

const NOTHING: RebuildCounts = {
  records: 0,
  streams: 0,
  otherStreams: 0,
  expiredStreams: 0,
  deletedStreams: 0,
  removed: 0,
  failed: 0,
  written: 0,
  unchanged: 0,
  newer: 0,
  claimsTaken: 0,
  claimsFreed: 0,
  collisions: 0,
};

/**
 * A rebuild at work. Its signal is looked at between requests, and isn't passed on: one that has begun is soon done, and
 * of a write that was aborted nobody knows whether it was made.
 */
interface Run {
  readonly definitions: ReadonlyMap<string, AnyAggregate>;
  readonly store: RebuildStore;
  readonly opaqueStore: OpaqueStore;
  readonly options: RebuildOptions;
  /** Undefined where no values are unique. */
  readonly claims: ClaimsStore | undefined;
  readonly signal: AbortSignal | undefined;
  readonly counts: Counts;
  readonly segments: SegmentProgress[];
}

function definitionsByPrefix(aggregates: readonly AnyAggregate[]): ReadonlyMap<string, AnyAggregate> {
  const definitions = new Map<string, AnyAggregate>();
  for (const definition of aggregates) {
    const { streamPrefix } = behaviourOf(definition.schema);
    if (definitions.has(streamPrefix)) {
      throw invalid("aggregates", `two of them have streams that begin with ${streamPrefix}: give each only once`);
    }
    definitions.set(streamPrefix, definition);
  }
  return definitions;
}

async function rebuildSegment(run: Run, segment: ScanSegment): Promise<void> {
  const { store, options, signal, counts, segments } = run;
  const { pageSize: limit = DEFAULT_PAGE_SIZE, concurrency = DEFAULT_CONCURRENCY } = options;
  let { done, cursor } = segments[segment.index] ?? { done: true };
  let previousId: string | undefined;
  while (!done) {
    await options.pace?.(signal);
    throwIfAborted(signal, "rebuild");
    const where = options.streamId === undefined ? { segment } : { aggregateId: options.streamId };
    const page: RecordPage = await store.scan({ ...where, cursor, limit });
    for (const error of page.unreadable) fail(run, undefined, error);
    const streams = streamsOf(page, previousId);
    await forEach(streams, concurrency, async (records, index) => {
      await options.pace?.(signal);
      throwIfAborted(signal, "rebuild");
      // The last stream of a page may go on behind it.
      await rebuildStream(run, records, index < streams.length - 1 || page.cursor === undefined);
    });
    counts.records += page.records.length;
    previousId = page.records.at(-1)?.aggregateId ?? previousId;
    cursor = page.cursor;
    done = cursor === undefined;
    segments[segment.index] = { done, cursor };
    options.onProgress?.({ counts: { ...counts }, segments: [...segments] });
    await otherTurns();
  }
}

/** Cuts a page into streams, without what is left of the one that the page before ended with, which was loaded. */
function streamsOf({ records }: RecordPage, previousId: string | undefined): readonly (readonly ScannedRecord[])[] {
  const streams: ScannedRecord[][] = [];
  for (const record of records) {
    const last = streams.at(-1);
    if (record.aggregateId === last?.[0]?.aggregateId) last.push(record);
    else streams.push([record]);
  }
  return streams[0]?.[0]?.aggregateId === previousId ? streams.slice(1) : streams;
}

/** Rebuilds the rows of one stream, of which a scan found these records. */
async function rebuildStream(run: Run, found: readonly ScannedRecord[], isWhole: boolean): Promise<void> {
  const { options, counts } = run;
  const streamId = found[0]?.aggregateId ?? "";
  const prefix = streamId.slice(0, streamId.indexOf("#") + 1);
  const definition = run.definitions.get(prefix) as Aggregate<AggregateTypes> | undefined;
  if (definition === undefined) {
    counts.otherStreams++;
    return;
  }
  try {
    const records = found.map(({ record }) => record);
    const isEnough = isWhole && records[0]?.version === 1n && !findProblem(records) && found.at(-1)?.following === 0;
    const history = { $typeName: "funinthecloud.protosource.history.v1.History", records } as const;
    const source = isEnough ? { load: async () => history } : run.store;
    const loaded = await readOwner(run, streamId, source);
    if (loaded?.absence === "deleted") {
      counts.deletedStreams++;
      await removeRows(run, definition, streamId.slice(prefix.length));
      return;
    }
    if (loaded?.aggregate === undefined) {
      counts.expiredStreams++;
      return;
    }
    const behaviour = behaviourOf(definition.schema);
    const { compressThreshold = DEFAULT_COMPRESS_THRESHOLD } = options;
    const { aggregate, last } = loaded;
    const sealer = await sealerOf(behaviour, [], aggregate, options.keyring);
    const rows = rowWrites(behaviour, aggregate, last?.ttl ?? 0n, {
      compressThreshold,
      omitLongKeys: options.longIndexKeys === "omit",
      sealer,
    });
    for (const row of rows) await rebuildRow(run, row);
    if (run.claims !== undefined && hasUnique(definition)) await rebuildClaims(run, run.claims, streamId, loaded);
    counts.streams++;
  } catch (error) {
    if (isProtosourceError(error) && FINAL.has(error.code)) throw error;
    fail(run, streamId, error);
  }
}

/** Takes away rows of a deleted aggregate that a writer wrote too late, or that a copy brought. */
async function removeRows(
  { options, counts, opaqueStore }: Run,
  { schema, model }: Aggregate<AggregateTypes>,
  id: string,
): Promise<void> {
  for (const view of [schema, ...model.projections.map((projection) => projection.schema)]) {
    const key = rowKey(view, id);
    if ((await opaqueStore.get(key, { consistent: true })) === undefined) continue;
    if (!options.dryRun) await opaqueStore.delete(key);
    counts.removed++;
  }
}

/** Reads the aggregate of a stream; undefined for one of which no definition is given. */
async function readOwner(
  { definitions, store, options }: Run,
  streamId: string,
  source: StreamSource["store"] = store,
): Promise<OwnerState | undefined> {
  const prefix = streamId.slice(0, streamId.indexOf("#") + 1);
  const definition = definitions.get(prefix) as Aggregate<AggregateTypes> | undefined;
  if (definition === undefined) return undefined;
  const { clock = systemClock, serializer = binarySerializer, keyring } = options;
  const id = streamId.slice(prefix.length);
  const from = { store: source, serializer: onlyOf(id, serializer), clock, keyring };
  const loaded = await loadState(definition, from, id, {});
  return { ...loaded, definition, keyring };
}

function claimsRunOf(run: Run, store: ClaimsStore): ClaimsRun {
  const { dryRun = false } = run.options;
  return { store, dryRun, read: (streamId) => readOwner(run, streamId) };
}

async function rebuildClaims(run: Run, store: ClaimsStore, streamId: string, state: OwnerState): Promise<void> {
  for (const outcome of await takeClaims(claimsRunOf(run, store), streamId, state)) {
    if (outcome === "taken") run.counts.claimsTaken++;
    if (typeof outcome !== "object") continue;
    run.counts.collisions++;
    run.options.onFailure?.({ streamId, error: outcome });
  }
}

/** Frees the unique values of the rules that no aggregate has, once all aggregates have taken theirs. */
async function freeClaims(run: Run): Promise<void> {
  const { claims: store, options, counts, signal } = run;
  if (store === undefined || options.streamId !== undefined) return;
  const { pageSize: limit = DEFAULT_PAGE_SIZE, concurrency = DEFAULT_CONCURRENCY } = options;
  const scopes = uniqueScopes([...run.definitions.values()]);
  let cursor: string | undefined;
  do {
    await options.pace?.(signal);
    throwIfAborted(signal, "rebuild");
    const page: ClaimPage = await store.scanClaims({ cursor, limit });
    for (const error of page.unreadable) fail(run, undefined, error);
    const ours = page.claims.filter(({ scope }) => scopes.has(scope));
    await forEach(ours, concurrency, async (claim) => {
      throwIfAborted(signal, "rebuild");
      try {
        if (await freeClaim(claimsRunOf(run, store), claim)) counts.claimsFreed++;
      } catch (error) {
        if (isProtosourceError(error) && FINAL.has(error.code)) throw error;
        fail(run, claim.owner, error);
      }
    });
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/**
 * Takes from a serializer only events that say they are of this aggregate. What another serializer wrote may pass for a
 * message in which nothing is set, of which a row mustn't be made.
 */
function onlyOf(id: string, serializer: Serializer): Serializer {
  return {
    ...serializer,
    deserialize(data, registry, key) {
      const event: Message & { readonly id?: unknown } = serializer.deserialize(data, registry, key);
      if (event.id === id) return event;
      throw new ProtosourceError(
        "corrupt_record",
        `${key} holds an event of ${JSON.stringify(event.id)}: is it another serializer that wrote it?`,
        { key },
      );
    },
  };
}

async function rebuildRow({ opaqueStore, options, counts }: Run, { schema, row, versionOf }: ViewRow): Promise<void> {
  const stored = await opaqueStore.get(row, { consistent: true });
  if (stored && isSameRow(schema, stored, row)) counts.unchanged++;
  else if (stored && stored.version > row.version) counts.newer++;
  else if (options.dryRun || (await opaqueStore.put(row, { versionOf })).written) counts.written++;
  else counts.newer++;
}

function fail({ options, counts }: Run, streamId: string | undefined, error: unknown): void {
  counts.failed++;
  options.onFailure?.({ streamId, error });
}
