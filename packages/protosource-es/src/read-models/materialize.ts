/** Steps 8 and 9: the rows of the aggregate and of its projections. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import type { AggregateMessage, Behaviour } from "../aggregate/behaviour.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import type { Logger } from "../logger.js";
import { checkRow } from "../opaquedata/checks.js";
import { KEY_ATTRIBUTES } from "../opaquedata/key-attribute.js";
import { type OpaqueDataOptions, opaqueDataFromMessage, versionOf } from "../opaquedata/opaque-data.js";
import { utf8Length } from "../opaquedata/utf8.js";
import { carryErased } from "../personal/envelopes.js";
import type { Sealer } from "../personal/keyring.js";
import { sealedRow } from "../personal/sealed-row.js";
import type { AggregateStore, RowWrite } from "../store/store.js";

/** A message that is kept as a row. */
interface View {
  readonly schema: DescMessage;
  readonly message: Message;
  /** What the row keeps in place of the message that its keys are made of. */
  readonly body?: Message;
}

/**
 * Makes the views of an aggregate: itself, and each projection with the fields of the same names. With a sealer they are
 * as their rows hold them.
 */
export function viewsOf(
  { schema, projections, isPersonal }: Behaviour,
  aggregate: AggregateMessage,
  sealer?: Sealer,
): readonly View[] {
  const views = [
    { schema, message: aggregate },
    ...projections.map((projection) => {
      const message = create(projection.schema);
      projection.copyAggregate(aggregate, message);
      if (isPersonal) carryErased(aggregate, message);
      return { schema: projection.schema, message };
    }),
  ];
  if (sealer === undefined) return views;
  return views.map(({ schema, message }) => ({ schema, ...sealedRow(sealer, schema, message) }));
}

/** How rows are written, whenever that is. */
export interface RowFormat {
  readonly omitLongKeys: boolean;
  /** Seals personal fields; undefined where there are none. */
  readonly sealer: Sealer | undefined;
}

/** The row of a view. */
export interface ViewRow extends RowWrite {
  readonly schema: DescMessage;
}

/** Makes the rows of an aggregate, for a transaction. They expire when its last record does. */
export function rowWrites(
  behaviour: Behaviour,
  aggregate: AggregateMessage,
  expiry: bigint,
  { compressThreshold, omitLongKeys, sealer }: RowFormat & Pick<OpaqueDataOptions, "compressThreshold">,
): readonly ViewRow[] {
  const { version } = aggregate;
  return viewsOf(behaviour, aggregate, sealer).map(({ schema, message, body }) => ({
    schema,
    row: opaqueDataFromMessage(schema, message, { expiry, compressThreshold, omitLongKeys, version, body }),
    versionOf: versionOf(schema),
  }));
}

/** What a row takes beside its keys and its body, in bytes: the names of attributes and the numbers, generously. */
const ROW_OVERHEAD_BYTES = 500;

/**
 * Sees, before the events are saved, that the rows which follow them can be written. Throws `too_large` for a row with a
 * key, or of a size, that would fail at this command and at every later one.
 */
export function checkRows(
  behaviour: Behaviour,
  aggregate: AggregateMessage,
  maxRowBytes: number,
  { omitLongKeys, sealer }: RowFormat,
): void {
  // Gzip takes longer than all the rest, and few rows are near the limit.
  const options = { expiry: 0n, compressThreshold: Math.min(maxRowBytes / 2, Number.MAX_SAFE_INTEGER), omitLongKeys };
  for (const { schema, message, body } of viewsOf(behaviour, aggregate, sealer)) {
    let size: number;
    try {
      const row = opaqueDataFromMessage(schema, message, { ...options, body });
      checkRow(row);
      size = KEY_ATTRIBUTES.reduce((sum, name) => sum + utf8Length(row[name]), row.body.length + ROW_OVERHEAD_BYTES);
    } catch (error) {
      if (isProtosourceError(error, "too_large")) throw error;
      // Whatever else is wrong with the row is told when it is written.
      continue;
    }
    if (size <= maxRowBytes) continue;
    throw new ProtosourceError(
      "too_large",
      `the row of ${schema.typeName} takes ${size} bytes, and the store ${maxRowBytes}: keep less in the aggregate, or set materialize to off`,
      { what: `the row of ${schema.typeName}`, size, limit: maxRowBytes },
    );
  }
}

/** Stores without a table for rows: said once, and not at each command. */
const rowless = new WeakSet<AggregateStore>();

/**
 * Writes the rows of an aggregate after its events, and gives the number of those that failed; they expire when the last
 * of these does. A failure is logged and not thrown, since the events are stored; the next command of the aggregate
 * writes the rows again.
 */
export async function materialize(
  behaviour: Behaviour,
  aggregate: AggregateMessage,
  expiry: bigint,
  store: AggregateStore,
  { logger, omitLongKeys, sealer }: RowFormat & { readonly logger: Logger },
): Promise<number> {
  if (rowless.has(store)) return 0;
  let failed = 0;
  const writes = viewsOf(behaviour, aggregate, sealer).map(({ schema, message, body }) =>
    store.saveAggregate(schema, message, { version: aggregate.version, expiry, omitLongKeys, body }),
  );
  for (const outcome of await Promise.allSettled(writes)) {
    if (outcome.status === "fulfilled") continue;
    const error: unknown = outcome.reason;
    if (isProtosourceError(error, "not_configured")) {
      rowless.add(store);
      logger.warn("The store keeps no rows of aggregates: give it an OpaqueStore, or set materialize to off.", {
        error,
      });
      return 0;
    }
    failed++;
    const { $typeName, id, version } = aggregate;
    logger.warn(`A row of ${$typeName} ${id} was not written at version ${version}, and is older now.`, { error });
  }
  return failed;
}
