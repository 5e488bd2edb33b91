/** Subscriptions whose effect is rows: exactly once, with any number of workers. */
import { type DescMessage, type Message, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { invalid, ProtosourceError } from "../errors.js";
import { requireKeyModel } from "../opaquedata/auto-pksk.js";
import { keyOf, keyParts, type RowId } from "../opaquedata/key-fields.js";
import type { KeyModel } from "../opaquedata/key-model.js";
import type { OpaqueKey, OpaqueRow } from "../opaquedata/opaque-store.js";
import type { KeptRow } from "../store/positions.js";
import { foldRun } from "./fold-run.js";
import { modelPrefix, toStoredKey } from "./model-rows.js";
import { checkSources, type HandledSource } from "./on.js";
import { type RowChange, RowDrafts } from "./row-drafts.js";
import {
  checkName,
  type Effect,
  type EventRun,
  type Reached,
  type ReactTools,
  type SharedEffect,
  type Subscription,
  subscriptionId,
} from "./subscription.js";

/** What the handlers of a read model get beside the event. */
export interface RowContext<R> {
  /**
   * Changes a row in place. It is made, with its key alone, where there is none. `id` is the field of its key, or an
   * object with all fields of its key. An event may change several rows, and a row several times.
   */
  row(id: RowId, change: (row: R) => void): void;
  /** Removes a row, if there is one. */
  remove(id: RowId): void;
}

export interface ReadModelOptions<R> {
  /** Names its rows and its positions: letters, digits, "_", "." and "-". */
  readonly name: string;
  /** Is raised when the handlers or the rows change: the rows of each version are built from the first event on. */
  readonly version: number;
  /**
   * The handlers, by {@link on}. They must be pure: they look at the event, the memo and the rows alone. Where events of
   * several streams change one row, their order may be any, so that the outcome must not depend on it.
   */
  readonly from: readonly HandledSource<RowContext<R>, void>[];
  /**
   * Whether each aggregate has one row, under its id, that its own events make: the position is kept in the row then,
   * and no transaction is needed. It takes one aggregate, and rows of which the key is one field. Off by default.
   */
  readonly rowPerAggregate?: boolean | undefined;
}

/** A read model. `R` is the message of its rows. */
export interface ReadModel<R extends Message = Message> extends Subscription {
  readonly kind: "read-model";
  readonly schema: GenMessage<R>;
}

/**
 * Defines rows that are made from the events of one or several aggregates: each event counts once, whatever fails, and
 * however many workers there are. The message of the rows has key annotations, in a .proto of its own or with an
 * aggregate's.
 *
 * A transaction of a position and n rows costs 2 write units per KB of each, and 1 read unit for each row and one for
 * the position where it isn't known. Events of a stream that wait together share it, and streams that wait together
 * share the rows that they all change. With `rowPerAggregate` it is 1 write unit per KB of the row, and 1 read unit
 * where the row isn't known from the event before.
 *
 * Throws `not_keyed` for a message without usable keys, and `invalid_argument` for a name, a version, sources a role of
 * the message, and a row for each aggregate that can't be.
 */
export function defineReadModel<R extends Message>(schema: GenMessage<R>, options: ReadModelOptions<R>): ReadModel<R> {
  const { name, version, from, rowPerAggregate = false } = options;
  checkName(name, version);
  checkSources(name, from);
  const model = requireKeyModel(schema as DescMessage);
  if (model.role !== "other") {
    throw invalid(
      "schema",
      `the rows of ${name} can't be ${schema.typeName}, which the repository writes: give a message with keys of its own`,
    );
  }
  const prefix = modelPrefix(subscriptionId(options));
  const reactTogether = async (runs: readonly EventRun[], tools: ReactTools): Promise<SharedEffect> => {
    const { opaqueStore, keyring, signal } = tools;
    if (opaqueStore === undefined) {
      throw new ProtosourceError(
        "not_configured",
        `${name} has rows, and there is no place for them: give Subscriptions the opaqueStore`,
        { option: "opaqueStore" },
      );
    }
    const readRow = (key: OpaqueKey) => opaqueStore.get(key, { consistent: true, signal });
    const drafts = new RowDrafts(model, prefix, runs.length, { readRow, keyring, signal });
    const reached = await Promise.all(runs.map((run) => handleRun(name, run, drafts)));
    return { reached, rows: await drafts.writes() };
  };
  const plain = { kind: "read-model", schema, name, version, sources: from, tries: 3 } as const;
  if (rowPerAggregate) {
    checkOneRow(name, model, from);
    return {
      ...plain,
      rowOf: (id) => toStoredKey(prefix, keyOf(model, id).key),
      react: (run, tools) => changeKept(options, run, model, tools),
    };
  }
  return {
    ...plain,
    async react(run, tools): Promise<Effect> {
      const { reached, rows } = await reactTogether([run], tools);
      return { ...reached[0], rows };
    },
    reactTogether,
  };
}

/** Checks that the rows of a model can be those of single aggregates. */
function checkOneRow(name: string, model: KeyModel, from: readonly unknown[]): void {
  const parts = keyParts(model);
  const isText = parts.length === 1 && parts[0]?.field.scalar === ScalarType.STRING;
  if (isText && from.length === 1) return;
  throw invalid(
    "rowPerAggregate",
    `${name} can't have a row for each aggregate: give one aggregate in from, and rows of which the key is one string`,
  );
}

/** Handles a run of a model that has a row for each aggregate: its only row is the one that keeps the position. */
async function changeKept(
  { name, version }: Pick<Subscription, "name" | "version">,
  run: EventRun,
  model: KeyModel,
  { keyring, signal }: ReactTools,
): Promise<Effect> {
  const { key, row } = run.kept as KeptRow;
  const readRow = async (asked: OpaqueKey): Promise<OpaqueRow | undefined> => {
    if (asked.pk !== key.pk || asked.sk !== key.sk) throw anotherRow(name, run.id);
    return row;
  };
  const prefix = modelPrefix(subscriptionId({ name, version }));
  const drafts = new RowDrafts(model, prefix, 1, { readRow, keyring, signal });
  const reached = await handleRun(name, run, drafts);
  const [write] = await drafts.writes();
  if (write === undefined) return { ...reached };
  return { ...reached, kept: { key, row: write.remove ? undefined : write.row } };
}

/** Makes the changes of a run, up to the event for whose rows there is no room. Undefined when that is the first. */
async function handleRun(name: string, run: EventRun, drafts: RowDrafts): Promise<Reached | undefined> {
  let changes: RowChange[] = [];
  const context: RowContext<MessageShape<DescMessage>> = {
    row: (id, change) => void changes.push({ id, change }),
    remove: (id) => void changes.push({ id, change: undefined }),
  };
  let { memo } = run;
  for (const step of foldRun(run, run.source as HandledSource<typeof context, unknown>, () => context)) {
    if (step.result instanceof Promise) throw asynchronous(name);
    if (!(await drafts.apply(changes))) {
      const to = step.version - 1n;
      return to > run.from ? { to, memo } : undefined;
    }
    changes = [];
    memo = step.memo();
  }
  return { to: run.to, memo };
}

function anotherRow(name: string, id: string): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError(
    "invalid_argument",
    `a handler of ${name} changes another row than that of ${JSON.stringify(id)}: leave rowPerAggregate out, or give its id`,
    { argument: "row" },
  );
}

function asynchronous(name: string): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError(
    "invalid_argument",
    `a handler of ${name} is asynchronous: look at the event, the memo and the rows alone, at once`,
    { argument: "from" },
  );
}
