/** How far subscriptions have come, in the feeds table. */
import type { CallOptions } from "../call-options.js";
import type { OpaqueKey } from "../opaquedata/opaque-store.js";
import {
  canMove,
  checkSubscription,
  type PositionMove,
  type PositionPage,
  type PositionScanOptions,
  type PositionStore,
  positionConflict,
  type StoredPosition,
} from "../store/positions.js";
import { checkAggregateId, throwIfAborted } from "../store/save-checks.js";
import { checkScan, decodeScanCursor, encodeScanCursor } from "../store/scan-cursor.js";
import {
  deleteMark,
  getMark,
  getPosition,
  markOf,
  putMark,
  queryPositions,
  readFoundPosition,
  readKeptPosition,
  readPosition,
  SLICES,
  scanKeptPositions,
  sortKeyOf,
} from "./positions.js";
import { getRow, putItem } from "./requests.js";
import type { AggregatesTableName, FeedsTableName } from "./table-names.js";
import type { TableRequests } from "./table-requests.js";

/** The positions of a table, and a look at where moves begin. */
export interface PositionTable extends PositionStore {
  /** Throws `position_conflict` when a position isn't where its move begins. */
  checkMoves(moves: readonly PositionMove[], signal: AbortSignal | undefined): Promise<void>;
}

/** Makes the reader and keeper of positions in a table. */
export function createPositionTable(
  requests: TableRequests,
  table: FeedsTableName,
  rowsTable: () => AggregatesTableName,
): PositionTable {
  const read = async (
    subscription: string,
    streamId: string,
    row: OpaqueKey | undefined,
    signal: AbortSignal | undefined,
  ): Promise<StoredPosition> => {
    if (row !== undefined) {
      const { output } = await requests.getItem(getRow(rowsTable(), row, true), signal);
      return readKeptPosition(output?.Item, streamId, row, rowsTable());
    }
    const { output } = await requests.getItem(getPosition(table, subscription, streamId), signal);
    return readPosition(output?.Item, streamId);
  };

  return {
    async readPositions(subscription, streamIds, options = {}) {
      checkSubscription(subscription);
      for (const streamId of streamIds) checkAggregateId(streamId);
      throwIfAborted(options.signal, "readPositions");
      const { rows, signal } = options;
      return Promise.all(streamIds.map((streamId, i) => read(subscription, streamId, rows?.[i], signal)));
    },

    async scanPositions(subscription: string, options: PositionScanOptions = {}): Promise<PositionPage> {
      checkSubscription(subscription);
      checkScan(options);
      const { segment = { index: 0, of: 1 }, limit, parked = false, keptUnder, signal } = options;
      const [place, after] = decodeScanCursor(options) ?? [undefined, ""];
      throwIfAborted(signal, "scanPositions");
      if (keptUnder !== undefined && !parked) {
        const startKey = place === undefined ? undefined : { pk: { S: place }, sk: { S: after } };
        const { output } = await requests.scan(scanKeptPositions(rowsTable(), keptUnder, options, startKey), signal);
        const positions = (output?.Items ?? []).map(readFoundPosition);
        const { pk, sk } = output?.LastEvaluatedKey ?? {};
        if (pk?.S === undefined || sk?.S === undefined) return { positions };
        return { positions, cursor: encodeScanCursor(options, [pk.S, sk.S]) };
      }
      const slice = parked ? "parked" : Number(place ?? segment.index);
      const isOutside = slice === "parked" ? segment.index > 0 : !(slice < SLICES);
      if (isOutside) return { positions: [] };
      const input = queryPositions(table, subscription, slice, after === "" ? undefined : after, limit);
      const { output } = await requests.query(input, signal);
      const positions: StoredPosition[] = (output?.Items ?? []).map(readFoundPosition);
      const last = positions.at(-1);
      if (output?.LastEvaluatedKey !== undefined && last !== undefined) {
        return { positions, cursor: encodeScanCursor(options, [String(slice), sortKeyOf(last.streamId)]) };
      }
      const next = slice === "parked" ? SLICES : slice + segment.of;
      return next < SLICES ? { positions, cursor: encodeScanCursor(options, [String(next), ""]) } : { positions };
    },

    async readMark(subscription: string, mark: string, options: CallOptions = {}): Promise<bigint> {
      checkSubscription(subscription);
      throwIfAborted(options.signal, "readMark");
      const { output } = await requests.getItem(getMark(table, subscription, mark), options.signal);
      return markOf(output?.Item);
    },

    async setMark(subscription, mark, value, options = {}) {
      checkSubscription(subscription);
      const { was, signal } = options;
      throwIfAborted(signal, "setMark");
      const { refusals } =
        value === 0n
          ? await requests.deleteItem(deleteMark(table, subscription, mark, was), signal)
          : await requests.putItem(putItem(putMark(table, subscription, mark, value, was)), signal);
      if (refusals === undefined) return true;
      // An attempt whose answer was lost may have done it.
      const { output } = await requests.getItem(getMark(table, subscription, mark), signal);
      return markOf(output?.Item) === value;
    },

    async checkMoves(moves, signal) {
      for (const move of moves) {
        const stored = await read(move.subscription, move.streamId, move.kept?.key, signal);
        if (!canMove(move, stored)) throw positionConflict(move, stored);
      }
    },
  };
}
