/** The events of a run, each given to its handler in order. */
import { decodeMemo, encodeMemo } from "./memo.js";
import type { EventContext, HandledSource } from "./on.js";
import type { EventRun } from "./subscription.js";

/** What comes of one event, and the memo as it is then. */
export interface FoldedStep<R> {
  readonly version: bigint;
  readonly result: R;
  readonly memo: () => Uint8Array;
}

type EventFacts = Pick<EventContext<unknown>, "at" | "actor" | "meta">;

/**
 * Gives the events of a run to their handlers, one by one, and what comes of each; or the end of a life to its handler.
 * `extra` is what a handler gets beside the event.
 */
export function* foldRun<C extends object, R>(
  run: EventRun,
  source: HandledSource<C, R>,
  extra: (version: bigint) => C,
): Generator<FoldedStep<R | undefined>, void, undefined> {
  const { id, streamId } = run;
  const memo = withDefaults(source.newMemo(), decodeMemo(run.memo));
  const contextOf = (version: bigint, facts: EventFacts): EventContext<unknown> & C => ({
    id,
    streamId,
    version,
    at: facts.at,
    actor: facts.actor,
    meta: facts.meta,
    memo,
    ...extra(version),
  });
  if (run.ended) {
    const version = run.from;
    yield {
      version,
      result: source.removed?.(version, contextOf(version, { at: 0n, actor: "", meta: undefined })),
      memo: () => new Uint8Array(),
    };
    return;
  }
  for (const event of run.events) {
    const { version, at, actor } = event;
    const context = contextOf(version, { at, actor, meta: run.metas.get(version) });
    const result = source.handlers.get(event.$typeName)?.(event, context);
    yield { version, result, memo: () => encodeMemo(memo) };
  }
}

/** A memo that was kept before a field was added to it gets that field. */
function withDefaults(initial: unknown, kept: unknown): unknown {
  if (kept === undefined) return initial;
  const isObject = typeof initial === "object" && initial !== null && typeof kept === "object" && !Array.isArray(kept);
  return isObject ? { ...initial, ...kept } : kept;
}
