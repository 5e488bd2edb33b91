/** Loads: of one aggregate, or of many at once. */
import type { Message } from "@bufbuild/protobuf";
import type { CallOptions } from "../call-options.js";
import { asError, invalid, ProtosourceError } from "../errors.js";
import { throwIfAborted } from "../store/save-checks.js";
import { checkId } from "./checks.js";
import { forEach } from "./for-each.js";
import { type LoadedState, readState } from "./load.js";
import { checkMoment, type Moment, momentText } from "./moment.js";
import type { Call } from "./observed-operation.js";
import { type Setup, streamIdOf } from "./setup.js";

/** As of when to load. */
export interface LoadAggregateOptions extends CallOptions {
  /** A version, or a time: see {@link Moment}. By default now. */
  readonly at?: Moment | undefined;
}

export interface LoadManyOptions extends LoadAggregateOptions {
  /** How many are read at once; 16 by default. */
  readonly concurrency?: number | undefined;
}

/** What came of one id among many: an aggregate, none, or a failure, after which it may be there or not. */
export type Loaded<A extends Message> =
  | { readonly id: string; readonly status: "loaded"; readonly aggregate: A }
  | { readonly id: string; readonly status: "absent"; readonly reason: LoadedState["absence"] }
  | { readonly id: string; readonly status: "failed"; readonly error: Error };

const DEFAULT_CONCURRENCY = 16;

/** Loads the state of an aggregate as of a moment, and keeps one of now for the next command. */
export async function loadAt(setup: Setup, id: string, { at }: LoadAggregateOptions, call: Call): Promise<LoadedState> {
  checkId(id);
  if (at !== undefined) checkMoment(at);
  const loaded = await readState(setup, id, call, { at });
  const { aggregate, last, firstExpiry } = loaded;
  if (aggregate !== undefined && at === undefined) {
    await setup.warm?.keep(streamIdOf(setup, id), aggregate, last, firstExpiry);
  }
  return loaded;
}

const ENDINGS: Readonly<Record<LoadedState["absence"], string>> = {
  unknown: "in the store: create it first",
  expired: "any more: it has expired",
  deleted: "any more: it was deleted",
};

/** Gives the error of an aggregate that isn't there, or wasn't at a moment. */
export function notFound(
  { definition }: Setup,
  id: string,
  reason: LoadedState["absence"],
  at: Moment | undefined,
): ProtosourceError<"not_found"> {
  const name = `${definition.schema.typeName} ${id}`;
  const message =
    at !== undefined && reason === "unknown"
      ? `nothing is stored of ${name} ${momentText(at)}: give a later moment`
      : `${name} isn't ${ENDINGS[reason]}`;
  return new ProtosourceError("not_found", message, { aggregateId: id, reason });
}

/**
 * Loads aggregates, some at a time, and gives what came of each.
 *
 * Throws `invalid_argument` before anything is read, and `cancelled`.
 */
export async function loadMany(
  setup: Setup,
  ids: readonly string[],
  options: LoadManyOptions,
  call: Call,
): Promise<readonly Loaded<Message>[]> {
  const { at, concurrency = DEFAULT_CONCURRENCY } = options;
  ids.forEach(checkId);
  if (at !== undefined) checkMoment(at);
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw invalid("concurrency", `${concurrency} can't be read at once: give a whole number from 1`);
  }
  const results: Loaded<Message>[] = [];
  await forEach(ids, concurrency, async (id, index) => {
    throwIfAborted(call.signal, "loadMany");
    results[index] = await loadOne(setup, id, options, call);
  });
  throwIfAborted(call.signal, "loadMany");
  return results;
}

async function loadOne(setup: Setup, id: string, options: LoadManyOptions, call: Call): Promise<Loaded<Message>> {
  try {
    const { aggregate, absence } = await loadAt(setup, id, options, call);
    return aggregate === undefined ? { id, status: "absent", reason: absence } : { id, status: "loaded", aggregate };
  } catch (error) {
    return { id, status: "failed", error: asError(error) };
  }
}
