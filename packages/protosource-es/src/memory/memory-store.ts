/**
 * The store of tests and of first steps, and the short example for people who write a store.
 *
 * It keeps every promise of `store.ts` in the plainest way. How arguments are checked and what a stream must look like
 * is the same for all stores, and shared. `test/conformance/memory.test.ts` runs the conformance cases on it.
 */
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { CallOptions, ScanOptions } from "../call-options.js";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { ProtosourceError } from "../errors.js";
import { HistorySchema } from "../gen/funinthecloud/protosource/history/v1/history_v1_pb.js";
import { RecordSchema as StoredRecordSchema } from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import { checkRow } from "../opaquedata/checks.js";
import { claimHash } from "../opaquedata/claim-key.js";
import { equalBytes } from "../opaquedata/equal-bytes.js";
import { opaqueDataFromMessage, versionOf } from "../opaquedata/opaque-data.js";
import type { OpaqueStore, PutOutcome } from "../opaquedata/opaque-store.js";
import { compareUtf8 } from "../opaquedata/utf8.js";
import { isOfAnotherCopy, ONE_COPY } from "../store/another-copy.js";
import { claimTaken, isAliveClaim, keepsOut } from "../store/claims.js";
import { Bell, checkFeed, FEED_PAGE, type FeedEntry, type FeedOptions, type FeedStore } from "../store/feed.js";
import {
  canMove,
  checkSubscription,
  moved,
  NO_POSITION,
  type PositionMove,
  type PositionPage,
  type PositionReadOptions,
  type PositionScanOptions,
  positionConflict,
  positionKey,
  rowConflict,
  type StoredPosition,
} from "../store/positions.js";
import {
  cantRestore,
  checkAggregateId,
  checkClaimName,
  checkCommitId,
  checkFailed,
  checkRange,
  checkSave,
  checkSaveAll,
  checkTailLength,
  checkTtlSeconds,
  newCommitId,
  recordTtl,
  throwIfAborted,
} from "../store/save-checks.js";
import {
  checkRecordScan,
  checkScan,
  decodeScanCursor,
  encodeScanCursor,
  isInSegment,
  versionInCursor,
} from "../store/scan-cursor.js";
import type {
  Claim,
  ClaimPage,
  EventStore,
  EventsOptions,
  History,
  LoadOptions,
  RecordPage,
  RecordScanOptions,
  RestorableStore,
  SaveAggregateOptions,
  SaveOptions,
  ScannedClaim,
  ScannedRecord,
  StoredClaim,
  StoredRecord,
  StreamWrite,
  TransactionOptions,
  TrimmableStore,
} from "../store/store.js";
import {
  checkBeginning,
  checkContiguous,
  checkUnchanged,
  isSameRecord,
  nothingLeft,
  orderCheck,
} from "../store/stream-checks.js";
import { MemoryOpaqueStore } from "./memory-opaque-store.js";

/** A record, and the save that brought it. */
export interface MemoryRecord {
  readonly record: StoredRecord;
  /** The bytes of the commit id as text. */
  readonly commitId: string;
}

/** Whom a value belongs to, and the save that took it. */
export interface MemoryClaim extends StoredClaim {
  /** The bytes of the commit id as text. */
  readonly commitId: string;
}

/** The claims by their scope and value, as a JSON array. */
export type MemoryClaims = Map<string, MemoryClaim>;

/** How far subscriptions have come, and the marks that are kept beside them, by names of both kinds. */
export interface MemoryPositions {
  readonly positions: Map<string, { readonly subscription: string; readonly position: StoredPosition }>;
  readonly marks: Map<string, bigint>;
}

/** The streams by their id, and the records of each by their version. */
export type MemoryStreams = Map<string, Map<bigint, MemoryRecord>>;

export interface MemoryStoreOptions {
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** Seconds after which a record expires that has no `ttl` of its own. 0 or less, the default: never. */
  readonly ttlSeconds?: number | undefined;
  /** Where `saveAggregate` writes to. A {@link MemoryOpaqueStore} of its own by default. */
  readonly opaqueStore?: OpaqueStore | undefined;
  /** Where the records are kept: stores with the same one share them. A new one by default. */
  readonly streams?: MemoryStreams | undefined;
  /** Where the claims are kept: stores with the same one share them. A new one by default. */
  readonly claims?: MemoryClaims | undefined;
  /** Where the positions of subscriptions are kept: stores with the same one share them. A new one by default. */
  readonly positions?: MemoryPositions | undefined;
}

/** In what order streams were saved to: each record by its stream and version. */
interface MemoryFeed {
  readonly order: (readonly [aggregateId: string, version: bigint])[];
  readonly bell: Bell;
}

/** The order of the saves to streams, which stores share as they share those. */
const feeds = new WeakMap<MemoryStreams, MemoryFeed>();

/** The ids of streams, sorted as they were the last time. */
const sorted = new WeakMap<MemoryStreams, readonly string[]>();

/** The number of records on a page when a scan sets no limit. */
const PAGE_SIZE = 100;

/** Keeps streams in memory. */
export class MemoryStore implements EventStore, RestorableStore, TrimmableStore, FeedStore {
  readonly maxRowBytes: number = Number.POSITIVE_INFINITY;
  /** Where `saveAggregate` writes to. */
  readonly opaqueStore: OpaqueStore;
  /** Seconds after which a record expires that has no `ttl` of its own. */
  readonly ttlSeconds: number;
  readonly #clock: Clock;
  readonly #streams: MemoryStreams;
  readonly #claims: MemoryClaims;
  readonly #positions: MemoryPositions;

  /** Throws `invalid_argument` for a time to live that isn't possible. */
  constructor(options: MemoryStoreOptions = {}) {
    const { clock = systemClock, ttlSeconds = 0, streams = new Map(), claims = new Map() } = options;
    checkTtlSeconds(ttlSeconds);
    this.opaqueStore = options.opaqueStore ?? new MemoryOpaqueStore({ clock });
    this.#clock = clock;
    this.ttlSeconds = ttlSeconds;
    this.#streams = streams;
    this.#claims = claims;
    this.#positions = options.positions ?? { positions: new Map(), marks: new Map() };
  }

  async save(aggregateId: string, records: readonly StoredRecord[], options: SaveOptions = {}): Promise<void> {
    const { after } = options;
    checkSave(aggregateId, records, after);
    throwIfAborted(options.signal, "save");
    this.#append([{ aggregateId, records, after }], options);
  }

  async saveAll(writes: readonly StreamWrite[], options: TransactionOptions = {}): Promise<void> {
    const { rows = [], positions = [], signal } = options;
    checkSaveAll(writes, options);
    const kept = positions.flatMap((move) => move.kept ?? []);
    if (rows.length + kept.length > 0) this.#memoryRows();
    for (const { row } of [...rows, ...kept]) if (row !== undefined) checkRow(row);
    throwIfAborted(signal, "saveAll");
    const isRepeated = !this.#append(writes, options);
    if (isRepeated) return;
    // A put of a MemoryOpaqueStore is done when it returns, so that nobody sees the records without the rows.
    const opaqueStore = this.opaqueStore as MemoryOpaqueStore;
    await Promise.all(
      rows.map(({ row, versionOf, was, remove }) => {
        if (remove) return opaqueStore.delete(row);
        return was === undefined ? opaqueStore.put(row, { versionOf }) : opaqueStore.replace(row);
      }),
    );
  }

  async readFeed(after: bigint, options: FeedOptions = {}): Promise<readonly FeedEntry[]> {
    checkFeed(after, options);
    const { limit = FEED_PAGE, signal } = options;
    throwIfAborted(signal, "readFeed");
    const { order } = this.#feed;
    const entries: FeedEntry[] = [];
    for (let i = Number(after); i < order.length && entries.length < limit; i++) {
      const [aggregateId, version] = order[i] as (typeof order)[number];
      const stored = this.#streams.get(aggregateId)?.get(version);
      if (stored === undefined) continue;
      const record = copyOf(stored.record, stored.record.ttl);
      entries.push({ position: BigInt(i + 1), aggregateId, record });
    }
    return entries;
  }

  async awaitFeed(after: bigint, options: CallOptions = {}): Promise<void> {
    checkFeed(after, {});
    const { order, bell } = this.#feed;
    const isStored = ([aggregateId, version]: (typeof order)[number]): boolean =>
      this.#streams.get(aggregateId)?.has(version) === true;
    // What was deleted has had a position too, and would never be waited for in the end.
    while (!order.slice(Number(after)).some(isStored) && !options.signal?.aborted) {
      await bell.wait(undefined, options.signal);
    }
  }

  async feedEnd({ signal }: CallOptions = {}): Promise<bigint> {
    throwIfAborted(signal, "feedEnd");
    return BigInt(this.#feed.order.length);
  }

  async readPositions(
    subscription: string,
    streamIds: readonly string[],
    options: PositionReadOptions = {},
  ): Promise<readonly StoredPosition[]> {
    checkSubscription(subscription);
    for (const streamId of streamIds) checkAggregateId(streamId);
    throwIfAborted(options.signal, "readPositions");
    return streamIds.map((streamId, i) => {
      const position = this.#position(subscription, streamId);
      const key = options.rows?.[i];
      if (key === undefined) return position;
      const row = this.#memoryRows().find(key);
      return { ...position, kept: { key, row: row && { ...row, body: new Uint8Array(row.body) } } };
    });
  }

  async scanPositions(subscription: string, options: PositionScanOptions = {}): Promise<PositionPage> {
    checkSubscription(subscription);
    checkScan(options);
    const { segment, limit = PAGE_SIZE, parked = false, signal } = options;
    const [, after] = decodeScanCursor(options) ?? ["", ""];
    throwIfAborted(signal, "scanPositions");
    const found = [...this.#positions.positions.values()]
      .flatMap((one) => (one.subscription === subscription ? one.position : []))
      .filter((position) => !parked || position.parked !== undefined)
      .filter(({ streamId }) => isInSegment(streamId, segment) && compareUtf8(streamId, after) > 0)
      .sort((a, b) => compareUtf8(a.streamId, b.streamId));
    const positions = found.slice(0, limit);
    const last = positions.at(-1);
    if (!last || found.length === positions.length) return { positions };
    return { positions, cursor: encodeScanCursor(options, [subscription, last.streamId]) };
  }

  async readMark(subscription: string, mark: string, options: CallOptions = {}): Promise<bigint> {
    checkSubscription(subscription);
    throwIfAborted(options.signal, "readMark");
    return this.#positions.marks.get(positionKey(subscription, mark)) ?? 0n;
  }

  async setMark(
    subscription: string,
    mark: string,
    value: bigint,
    options: CallOptions & { readonly was?: bigint | undefined } = {},
  ): Promise<boolean> {
    checkSubscription(subscription);
    throwIfAborted(options.signal, "setMark");
    const key = positionKey(subscription, mark);
    const { marks } = this.#positions;
    if (options.was !== undefined && options.was !== (marks.get(key) ?? 0n)) return false;
    if (value === 0n) marks.delete(key);
    else marks.set(key, value);
    return true;
  }

  async findClaim(scope: string, value: string, options: CallOptions = {}): Promise<StoredClaim | undefined> {
    checkClaimName(scope, value);
    throwIfAborted(options.signal, "findClaim");
    const stored = this.#claims.get(claimName({ scope, value }));
    if (!stored || !isAliveClaim(stored, epochSeconds(this.#clock))) return undefined;
    const { commitId: _, ...claim } = stored;
    return claim;
  }

  async scanClaims(options: ScanOptions = {}): Promise<ClaimPage> {
    checkScan(options);
    const { segment, limit = PAGE_SIZE, signal } = options;
    const [after = ""] = decodeScanCursor(options) ?? [];
    throwIfAborted(signal, "scanClaims");
    const found = [...this.#claims.keys()].sort().filter((name) => name > after && isInSegment(name, segment));
    const names = found.slice(0, limit);
    const claims = await Promise.all(
      names.map(async (name): Promise<ScannedClaim> => {
        const { commitId, ...claim } = this.#claims.get(name) as MemoryClaim;
        const [scope, value] = JSON.parse(name) as [string, string];
        return { ...claim, key: name, scope, hash: await claimHash(value), commitId: bytesOfCommit(commitId) };
      }),
    );
    const last = names.at(-1);
    if (last === undefined || found.length === names.length) return { claims, unreadable: [] };
    return { claims, unreadable: [], cursor: encodeScanCursor(options, [last, ""]) };
  }

  async freeClaim({ key, owner, commitId }: ScannedClaim, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal, "freeClaim");
    const stored = this.#claims.get(key);
    return stored?.owner === owner && stored.commitId === commitId.join() && this.#claims.delete(key);
  }

  async load(aggregateId: string, options: LoadOptions = {}): Promise<History> {
    checkAggregateId(aggregateId);
    throwIfAborted(options.signal, "load");
    return this.#read(aggregateId, options);
  }

  async loadTail(aggregateId: string, n: number, options: LoadOptions = {}): Promise<History> {
    checkAggregateId(aggregateId);
    checkTailLength(n);
    throwIfAborted(options.signal, "loadTail");
    return n <= 0 ? create(HistorySchema) : this.#read(aggregateId, options, n);
  }

  async *events(aggregateId: string, options: EventsOptions = {}): AsyncGenerator<StoredRecord, void, undefined> {
    checkAggregateId(aggregateId);
    checkRange(options);
    const { from = 1n, to, reverse = false, limit = Number.POSITIVE_INFINITY, includeExpired = false } = options;
    const now = epochSeconds(this.#clock);
    const checkOrder = orderCheck(aggregateId, reverse);
    const records = this.#recordsOf(aggregateId);
    let given = 0;
    for (const { record } of reverse ? records.reverse() : records) {
      throwIfAborted(options.signal, "events");
      if (record.version < from || (to !== undefined && record.version > to)) continue;
      if (isAlive(record, now)) checkOrder(record);
      else if (!includeExpired) continue;
      yield copyOf(record, record.ttl);
      if (++given === limit) return;
    }
  }

  async saveAggregate<D extends DescMessage>(
    schema: D,
    message: MessageShape<D>,
    options: SaveAggregateOptions = {},
  ): Promise<PutOutcome> {
    throwIfAborted(options.signal, "saveAggregate");
    const row = opaqueDataFromMessage(schema, message, {
      ...options,
      clock: this.#clock,
      defaultTtlSeconds: this.ttlSeconds,
    });
    return this.opaqueStore.put(row, { signal: options.signal, versionOf: versionOf(schema) });
  }

  async scan(options: RecordScanOptions = {}): Promise<RecordPage> {
    checkRecordScan(options);
    const { aggregateId, segment, limit = PAGE_SIZE, signal } = options;
    const [afterId, afterVersion] = decodeScanCursor(options) ?? ["", "0"];
    const after = versionInCursor(afterVersion);
    throwIfAborted(signal, "scan");

    const found: ScannedRecord[] = [];
    const ids = aggregateId === undefined ? sortedIds(this.#streams) : [aggregateId];
    for (const id of ids) {
      if (compareUtf8(id, afterId) < 0 || !isInSegment(id, segment)) continue;
      for (const { record, commitId } of this.#recordsOf(id)) {
        if (id === afterId && record.version <= after) continue;
        found.push({ aggregateId: id, record: copyOf(record, record.ttl), following: 0, commitId });
        if (found.length > limit) break;
      }
      if (found.length > limit) break;
    }
    const records = found.slice(0, limit);
    const last = records.at(-1);
    const page = { records, unreadable: [] };
    if (!last || found.length === records.length) return page;
    return { ...page, cursor: encodeScanCursor(options, [last.aggregateId, last.record.version.toString()]) };
  }

  async restore(aggregateId: string, records: readonly StoredRecord[], options: CallOptions = {}): Promise<void> {
    checkSave(aggregateId, records);
    throwIfAborted(options.signal, "restore");
    const stream = this.#streams.get(aggregateId) ?? new Map<bigint, MemoryRecord>();
    const taken = records.find(({ version }) => stream.has(version))?.version;
    if (taken !== undefined) throw cantRestore(aggregateId, taken);
    const commitId = newCommitId().join();
    for (const record of records) stream.set(record.version, { record: copyOf(record, record.ttl), commitId });
    if (records.length === 0) return;
    this.#streams.set(aggregateId, stream);
    this.#note([{ aggregateId, records }]);
  }

  async cutBeginning(aggregateId: string, records: readonly StoredRecord[], options: CallOptions = {}): Promise<void> {
    const last = checkBeginning(aggregateId, records);
    throwIfAborted(options.signal, "cutBeginning");
    const stored = this.#recordsOf(aggregateId).map(({ record }) => record);
    const beginning = stored.filter(({ version }) => version <= last);
    checkUnchanged(aggregateId, records, beginning);
    if (beginning.length === stored.length) throw nothingLeft(aggregateId);
    for (const { version } of beginning) this.#streams.get(aggregateId)?.delete(version);
  }

  /**
   * Appends to every stream and takes or frees every claim, or does none of it. False, and nothing to do, when this
   * very save is stored already.
   */
  #append(writes: readonly StreamWrite[], options: TransactionOptions): boolean {
    const { commitId = newCommitId(), check = [], claims = [], positions = [], rows = [], zeroIsNever } = options;
    checkCommitId(commitId);
    const commit = commitId.join();
    const pending = writes
      .filter(({ records }) => records.length > 0)
      .map((write) => ({ ...write, stream: this.#streams.get(write.aggregateId) ?? new Map() }));

    if (pending.length > 0 && pending.every((write) => isStored(write, commit))) return false;
    for (const move of positions) {
      const stored = this.#position(move.subscription, move.streamId);
      if (!canMove(move, stored)) throw positionConflict(move, stored);
    }
    for (const write of pending) checkEnd(write);
    for (const { aggregateId, version } of check) {
      const last = this.#recordsOf(aggregateId).at(-1)?.record.version ?? 0n;
      if (last !== version) throw checkFailed(aggregateId, version);
    }
    const now = epochSeconds(this.#clock);
    for (const claim of claims) {
      const stored = this.#claims.get(claimName(claim));
      if (claim.release || !stored || stored.commitId === commit || !keepsOut(stored, claim, now)) continue;
      throw claimTaken(claim.scope, stored.owner);
    }
    for (const { row, was } of rows) {
      if (was === undefined) continue;
      const stored = (this.opaqueStore as MemoryOpaqueStore).find(row);
      const isAsRead = was === 0n ? stored === undefined : stored?.version === was;
      if (!isAsRead) throw rowConflict(row);
    }

    for (const move of positions) this.#move(move);
    for (const claim of claims) {
      const { owner, version = 0n, ttl = 0n, purpose } = claim;
      const name = claimName(claim);
      if (!claim.release) this.#claims.set(name, { owner, version, ttl, ...purposeOf(purpose), commitId: commit });
      else if (this.#claims.get(name)?.owner === owner) this.#claims.delete(name);
    }
    for (const { aggregateId, records, stream } of pending) {
      this.#streams.set(aggregateId, stream);
      for (const record of records) {
        const ttl = recordTtl(record, zeroIsNever ? 0 : this.ttlSeconds, now);
        stream.set(record.version, { record: copyOf(record, ttl), commitId: commit });
      }
    }
    this.#note(pending);
    return true;
  }

  /** Notes in the order of the feed what was stored, and lets those know who wait. */
  #note(writes: readonly StreamWrite[]): void {
    const { order, bell } = this.#feed;
    for (const { aggregateId, records } of writes) {
      for (const { version } of records) order.push([aggregateId, version]);
    }
    if (writes.length > 0) bell.ring();
  }

  get #feed(): MemoryFeed {
    let feed = feeds.get(this.#streams);
    if (feed === undefined) {
      feed = { order: [], bell: new Bell() };
      feeds.set(this.#streams, feed);
    }
    return feed;
  }

  /** Gives the place of rows, when they can be written together with records. */
  #memoryRows(): MemoryOpaqueStore {
    if (this.opaqueStore instanceof MemoryOpaqueStore) return this.opaqueStore;
    const problem = isOfAnotherCopy(this.opaqueStore, MemoryOpaqueStore)
      ? `the opaqueStore is of another copy of protosource-es: ${ONE_COPY}`
      : "a MemoryStore writes rows together with records only to a MemoryOpaqueStore: give it one";
    throw new ProtosourceError("invalid_argument", problem, { argument: "rows" });
  }

  #position(subscription: string, streamId: string): StoredPosition {
    const stored = this.#positions.positions.get(positionKey(subscription, streamId));
    return stored?.position ?? { ...NO_POSITION, streamId };
  }

  #move(move: PositionMove): void {
    const { subscription, streamId, kept } = move;
    if (kept?.row) this.#memoryRows().replace(kept.row);
    else if (kept) this.#memoryRows().remove(kept.key);
    const key = positionKey(subscription, streamId);
    if (move.to === 0n && move.park === undefined) this.#positions.positions.delete(key);
    else this.#positions.positions.set(key, { subscription, position: { ...moved(move), streamId } });
  }

  #read(aggregateId: string, { includeExpired = false }: LoadOptions, n = Number.POSITIVE_INFINITY): History {
    const now = epochSeconds(this.#clock);
    const records = this.#recordsOf(aggregateId)
      .filter(({ record }) => includeExpired || isAlive(record, now))
      .slice(-n)
      .map(({ record }) => copyOf(record, record.ttl));
    checkContiguous(
      aggregateId,
      records.filter((record) => isAlive(record, now)),
    );
    return create(HistorySchema, { records });
  }

  #recordsOf(aggregateId: string): MemoryRecord[] {
    const stream = this.#streams.get(aggregateId)?.values() ?? [];
    return [...stream].sort((a, b) => (a.record.version < b.record.version ? -1 : 1));
  }
}

/** Gives the ids in order. They are sorted where there are others than the last time, and not for each page of a scan. */
function sortedIds(streams: MemoryStreams): readonly string[] {
  const last = sorted.get(streams);
  if (last?.length === streams.size && last.every((id) => streams.has(id))) return last;
  const ids = [...streams.keys()].sort(compareUtf8);
  sorted.set(streams, ids);
  return ids;
}

/** Records for a stream, and what it holds. */
interface Pending extends StreamWrite {
  readonly stream: Map<bigint, MemoryRecord>;
}

/** Tells whether just these records are stored, by the save of this id. */
function isStored({ records, stream }: Pending, commitId: string): boolean {
  const behind = (records.at(-1)?.version ?? 0n) + 1n;
  if (stream.get(behind)?.commitId === commitId) return false;
  return records.every(({ version, data }) => {
    const stored = stream.get(version);
    return stored?.commitId === commitId && equalBytes(stored.record.data, data);
  });
}

function checkEnd({ aggregateId, records, stream, after }: Pending): void {
  const [first] = records;
  const taken = first && lowestFrom(first.version, stream);
  if (taken !== undefined) throw versionConflict(aggregateId, taken, "exists already");
  if (first && first.version > 1n && !stream.has(first.version - 1n)) {
    throw versionConflict(aggregateId, first.version, "lies beyond the end of the stream");
  }
  const seen = after && stream.get(after.version)?.record;
  if (after && !(seen && isSameRecord(seen, after))) throw checkFailed(aggregateId, after.version);
}

/** Finds the lowest version from one on: records are appended behind all that is stored, also where some of it is gone. */
function lowestFrom(first: bigint, stream: Pending["stream"]): bigint | undefined {
  let lowest: bigint | undefined;
  for (const version of stream.keys()) {
    if (version >= first && (lowest === undefined || version < lowest)) lowest = version;
  }
  return lowest;
}

function versionConflict(aggregateId: string, version: bigint, problem: string): ProtosourceError<"version_conflict"> {
  return new ProtosourceError(
    "version_conflict",
    `version ${version} of ${aggregateId} ${problem}: load the stream, decide again and save`,
    { aggregateId, version },
  );
}

function purposeOf(purpose: Uint8Array | undefined): Pick<StoredClaim, "purpose"> {
  return purpose === undefined ? {} : { purpose: new Uint8Array(purpose) };
}

function bytesOfCommit(commitId: string): Uint8Array {
  return Uint8Array.from(commitId.split(","), Number);
}

function claimName({ scope, value }: Pick<Claim, "scope" | "value">): string {
  return JSON.stringify([scope, value]);
}

function isAlive({ ttl }: StoredRecord, now: bigint): boolean {
  return ttl === 0n || ttl > now;
}

function copyOf({ version, data, meta }: StoredRecord, ttl: bigint): StoredRecord {
  const copy = create(StoredRecordSchema, { version, data: new Uint8Array(data), ttl });
  if (meta !== undefined) copy.meta = new Uint8Array(meta);
  return copy;
}
