/** How far subscriptions have come, as every store keeps it. */
import type { CallOptions, ScanOptions } from "../call-options.js";
import { invalid, ProtosourceError } from "../errors.js";
import { equalBytes } from "../opaquedata/equal-bytes.js";
import type { OpaqueKey, OpaqueRow } from "../opaquedata/opaque-store.js";
import { utf8Length } from "../opaquedata/utf8.js";

/** How far a subscription has come in a stream. */
export interface Position {
  /** The last version whose effect is stored; 0 before the first. */
  readonly version: bigint;
  /** What the subscription remembers of the stream; empty by default. */
  readonly memo: Uint8Array;
  /** When the last of these events expires, in epoch seconds; 0 for never. The position itself stays for longer. */
  readonly expiry: bigint;
  /** Why the stream stands still, when it does. */
  readonly parked?: Parking | undefined;
}

/** Why a stream stands still for one subscription. */
export interface Parking {
  /** The version that could not be handled. */
  readonly version: bigint;
  /** What went wrong, for people. */
  readonly error: string;
  /** When that was, in microseconds since the Unix epoch. */
  readonly since: bigint;
  /** How often it was tried. */
  readonly tries: number;
}

/**
 * The row that a position is kept in. A subscription that has one row for each stream writes both as one, which on
 * DynamoDB takes no transaction.
 */
export interface KeptRow {
  readonly key: OpaqueKey;
  /** The row; undefined where there is none, and the position stands in its place alone. */
  readonly row: OpaqueRow | undefined;
}

/** A position, and where it is. */
export interface StoredPosition extends Position {
  readonly streamId: string;
  /** The row that it is kept in, where the read named one. */
  readonly kept?: KeptRow | undefined;
}

/** The position of a stream that the subscription has never seen. */
export const NO_POSITION: Position = { version: 0n, memo: new Uint8Array(), expiry: 0n };

/** What a transaction does with a position. */
export interface PositionMove {
  /** The subscription, as it is named in the tables: `customer-sales@2`. */
  readonly subscription: string;
  readonly streamId: string;
  /** The version at which the position must be; 0 for none. */
  readonly from: bigint;
  /**
   * What the position must be besides: its memo and its expiry as they were read. It matters where another worker may
   * have changed it without a new version, as the end of a life does.
   */
  readonly was?: Pick<Position, "memo" | "expiry"> | undefined;
  /** The version at which it is afterwards: `from` to change the rest of it, and 0 to forget it. */
  readonly to: bigint;
  /** The memo from now on. Empty by default. */
  readonly memo?: Uint8Array | undefined;
  /** When the last of the events expires, in epoch seconds. 0, the default: never. */
  readonly expiry?: bigint | undefined;
  /** Parks the stream. A parked position is moved by a release only. */
  readonly park?: Parking | undefined;
  /** Requires that the stream is parked, and lets it go on. */
  readonly release?: boolean | undefined;
  /**
   * The row that the position is kept in, as it is from now on: with a version, and without an expiry. All reads and
   * moves of the position name it, and nothing else writes the row.
   */
  readonly kept?: KeptRow | undefined;
}

export interface PositionReadOptions extends CallOptions {
  /** The rows that the positions are kept in, in the order of the streams, where they are kept in rows. */
  readonly rows?: readonly OpaqueKey[] | undefined;
}

export interface PositionScanOptions extends ScanOptions {
  /** Only the streams that are parked: they are found without a look at the others. */
  readonly parked?: boolean | undefined;
  /** What the partition keys of the rows begin with that the positions are kept in, where they are kept in rows. */
  readonly keptUnder?: string | undefined;
}

/** Some of the positions of a subscription, and where to go on. */
export interface PositionPage {
  readonly positions: readonly StoredPosition[];
  /** Continues behind this page. Absent at the end, and only there: a page may be short, or empty. */
  readonly cursor?: string | undefined;
}

/**
 * A store that keeps how far subscriptions have come. Positions move in the transactions of its `saveAll`, together with
 * what the events led to.
 */
export interface PositionStore {
  /** Reads how far a subscription has come in each of these streams, in their order. It sees every move before. */
  readPositions(
    subscription: string,
    streamIds: readonly string[],
    options?: PositionReadOptions,
  ): Promise<readonly StoredPosition[]>;

  /** Reads a page of the positions of a subscription, in no promised order. Throws what a scan of records throws. */
  scanPositions(subscription: string, options?: PositionScanOptions): Promise<PositionPage>;

  /** Reads a number that is kept beside a subscription, such as the version that is served; 0n when there is none. */
  readMark(subscription: string, mark: string, options?: CallOptions): Promise<bigint>;

  /**
   * Keeps a number beside a subscription, where it is `was` still. False, and nothing is changed, when it is another.
   * 0n takes the mark away.
   */
  setMark(
    subscription: string,
    mark: string,
    value: bigint,
    options?: CallOptions & { readonly was?: bigint | undefined },
  ): Promise<boolean>;
}

/** The longest name of a subscription with its version, in bytes of UTF-8. */
const MAX_SUBSCRIPTION_BYTES = 255;

/** The longest memo, in bytes: each move writes it anew. */
const MAX_MEMO_BYTES: number = 64 * 1024;

/** Checks the name of a subscription. Throws `invalid_argument`. */
export function checkSubscription(subscription: string): void {
  const isName = typeof subscription === "string" && /^[A-Za-z0-9][A-Za-z0-9_.@-]*$/.test(subscription);
  if (isName && utf8Length(subscription) <= MAX_SUBSCRIPTION_BYTES) return;
  throw invalid(
    "subscription",
    `${JSON.stringify(subscription)} is no name of a subscription: begin with a letter or a digit, and go on with those, "_", ".", "-" and "@", ${MAX_SUBSCRIPTION_BYTES} at most`,
  );
}

/**
 * Checks the moves of a transaction, beside their streams.
 *
 * Throws `invalid_argument` for a name or a version that can't be, for a way back, for a position that is moved twice,
 * and for a row that can't keep one; `too_large` for a memo over 64 KB.
 */
export function checkMoves(moves: readonly PositionMove[]): void {
  const seen = new Set<string>();
  for (const { subscription, streamId, from, to, memo, kept } of moves) {
    checkSubscription(subscription);
    const isOrdered = typeof from === "bigint" && typeof to === "bigint" && from >= 0n && (to === 0n || to >= from);
    if (!isOrdered) {
      throw invalid(
        "positions",
        `a position can't go from ${from} to ${to}: give bigints from 0n, and no way back but 0n`,
      );
    }
    const key = positionKey(subscription, streamId);
    if (seen.has(key)) {
      throw invalid("positions", `the position of ${subscription} in ${streamId} occurs twice: give its last move`);
    }
    seen.add(key);
    if (kept?.row !== undefined) checkKept(kept.key, kept.row);
    if (memo !== undefined && memo.length > MAX_MEMO_BYTES) {
      throw new ProtosourceError(
        "too_large",
        `the memo of ${subscription} for ${streamId} has ${memo.length} bytes, and ${MAX_MEMO_BYTES} are possible: remember less, or write a row`,
        { what: "memo", size: memo.length, limit: MAX_MEMO_BYTES },
      );
    }
  }
}

function checkKept(key: OpaqueKey, row: OpaqueRow): void {
  if (row.pk === key.pk && row.sk === key.sk && row.version !== 0n && row.t === 0n) return;
  const name = `the row pk=${JSON.stringify(row.pk)}, sk=${JSON.stringify(row.sk)}`;
  throw invalid("positions", `${name} can't keep a position: give it that key, a version, and no expiry`);
}

/** Names a position among those of all subscriptions. */
export function positionKey(subscription: string, streamId: string): string {
  return JSON.stringify([subscription, streamId]);
}

/** Tells whether a move may be made from what is stored. */
export function canMove({ from, was, release = false }: PositionMove, stored: Position): boolean {
  if (stored.version !== from || (stored.parked !== undefined) !== release) return false;
  return was === undefined || (was.expiry === stored.expiry && equalBytes(was.memo, stored.memo));
}

/** Gives the position that a move leads to. */
export function moved({ to, memo = NO_POSITION.memo, expiry = 0n, park }: PositionMove): Position {
  return park === undefined ? { version: to, memo, expiry } : { version: to, memo, expiry, parked: park };
}

/** Gives the error of a move from where the position isn't. */
export function positionConflict(
  { subscription, streamId, from }: PositionMove,
  { version, parked }: Position,
): ProtosourceError<"position_conflict"> {
  const where = parked
    ? `is parked behind version ${version}`
    : version === from
      ? `isn't as it was read at version ${version}`
      : `is at version ${version}, and not at ${from}`;
  return new ProtosourceError(
    "position_conflict",
    `${subscription} ${where} in ${streamId}: another worker was first, so go on from there`,
    { subscription, streamId, version, parked: parked !== undefined },
  );
}

/** Gives the error of a row that isn't as it was read. */
export function rowConflict(row: { readonly pk: string; readonly sk: string }): ProtosourceError<"row_conflict"> {
  const { pk, sk } = row;
  return new ProtosourceError(
    "row_conflict",
    `the row pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)} was changed since it was read: read it again`,
    { pk, sk },
  );
}
