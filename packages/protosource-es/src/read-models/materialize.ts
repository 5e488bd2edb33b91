/** Steps 8 and 9: the rows of the aggregate and of its projections. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import type { AggregateMessage, Behaviour } from "../aggregate/behaviour.js";
import { isProtosourceError } from "../errors.js";
import type { Logger } from "../logger.js";
import { opaqueDataFromMessage, versionOf } from "../opaquedata/opaque-data.js";
import type { AggregateStore, RowWrite } from "../store/store.js";

/** A message that is kept as a row. */
interface View {
  readonly schema: DescMessage;
  readonly message: Message;
}

/** Makes the views of an aggregate: itself, and each projection with the fields of the same names. */
function viewsOf({ schema, projections }: Behaviour, aggregate: AggregateMessage): readonly View[] {
  return [
    { schema, message: aggregate },
    ...projections.map((projection) => {
      const message = create(projection.schema);
      projection.copyAggregate(aggregate, message);
      return { schema: projection.schema, message };
    }),
  ];
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
  compressThreshold: number,
): readonly ViewRow[] {
  const { version } = aggregate;
  return viewsOf(behaviour, aggregate).map(({ schema, message }) => ({
    schema,
    row: opaqueDataFromMessage(schema, message, { expiry, compressThreshold, version }),
    versionOf: versionOf(schema),
  }));
}

/** Stores without a table for rows: said once, and not at each command. */
const rowless = new WeakSet<AggregateStore>();

/**
 * Writes the rows of an aggregate after its events; they expire when the last of these does. A failure is logged and not thrown, since the events are stored;
 * the next command of the aggregate writes the rows again.
 */
export async function materialize(
  behaviour: Behaviour,
  aggregate: AggregateMessage,
  expiry: bigint,
  store: AggregateStore,
  logger: Logger,
): Promise<void> {
  if (rowless.has(store)) return;
  const writes = viewsOf(behaviour, aggregate).map(({ schema, message }) =>
    store.saveAggregate(schema, message, { version: aggregate.version, expiry }),
  );
  for (const outcome of await Promise.allSettled(writes)) {
    if (outcome.status === "fulfilled") continue;
    const error: unknown = outcome.reason;
    if (isProtosourceError(error, "not_configured")) {
      rowless.add(store);
      logger.warn("The store keeps no rows of aggregates: give it an OpaqueStore, or set materialize to off.", {
        error,
      });
      return;
    }
    const { $typeName, id, version } = aggregate;
    logger.warn(`A row of ${$typeName} ${id} was not written at version ${version}, and is older now.`, { error });
  }
}
