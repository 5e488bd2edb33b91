/** Subscriptions whose effect is rows: exactly once, with any number of workers. */
import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { invalid, ProtosourceError } from "../errors.js";
import { requireKeyModel } from "../opaquedata/auto-pksk.js";
import type { RowId } from "../opaquedata/key-fields.js";
import { foldRun } from "./fold-run.js";
import { modelPrefix } from "./model-rows.js";
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
 * share the rows that they all change.
 *
 * Throws `not_keyed` for a message without usable keys, and `invalid_argument` for a name, a version, sources and a role
 * of the message that can't be.
 */
export function defineReadModel<R extends Message>(schema: GenMessage<R>, options: ReadModelOptions<R>): ReadModel<R> {
  const { name, version, from } = options;
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
    const drafts = new RowDrafts(model, prefix, runs.length, { opaqueStore, keyring, signal });
    const reached = await Promise.all(runs.map((run) => handleRun(name, run, drafts)));
    return { reached, rows: await drafts.writes() };
  };
  return {
    kind: "read-model",
    schema,
    name,
    version,
    sources: from,
    tries: 3,
    async react(run, tools): Promise<Effect> {
      const { reached, rows } = await reactTogether([run], tools);
      return { ...reached[0], rows };
    },
    reactTogether,
  };
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

function asynchronous(name: string): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError(
    "invalid_argument",
    `a handler of ${name} is asynchronous: look at the event, the memo and the rows alone, at once`,
    { argument: "from" },
  );
}
