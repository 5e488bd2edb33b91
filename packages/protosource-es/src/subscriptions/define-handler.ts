/** Subscriptions that do anything else: what a handler does is done before the position moves. */

import { foldRun } from "./fold-run.js";
import { checkSources, type HandledSource } from "./on.js";
import { checkName, type Subscription } from "./subscription.js";

/** What a handler gets beside the event. */
export interface HandlerContext {
  /** The same each time that the event is given: `<stream>:<version>`. */
  readonly dedupeId: string;
  readonly signal: AbortSignal | undefined;
}

export interface HandlerOptions {
  /** Names its positions: letters, digits, "_", "." and "-". */
  readonly name: string;
  /** A higher version gets all events anew. 1 by default. */
  readonly version?: number | undefined;
  /** The handlers, by {@link on}. They may be asynchronous. */
  readonly from: readonly HandledSource<HandlerContext, unknown>[];
  /** How often an event is tried before its stream is parked. 5 by default. */
  readonly tries?: number | undefined;
}

/**
 * Defines a subscription whose handlers do what they like with each event: at least once, and in the order of its
 * stream. After a crash an event may be given again, with the same `dedupeId`.
 *
 * The position moves after each event: 1 write unit. Throws `invalid_argument` for a name or sources that can't be.
 */
export function defineHandler(options: HandlerOptions): Subscription {
  const { name, version = 1, from, tries = 5 } = options;
  checkName(name, version);
  checkSources(name, from);
  return {
    kind: "handler",
    name,
    version,
    sources: from,
    tries,
    async react(run, { signal }) {
      const source = run.source as HandledSource<HandlerContext, unknown>;
      const { streamId } = run;
      const [first] = foldRun(run, source, (version) => ({ dedupeId: `${streamId}:${version}`, signal }));
      await first?.result;
      // What was done is kept before the next event is begun.
      const next = run.events[1];
      return { to: next === undefined ? run.to : next.version - 1n, memo: first?.memo() ?? run.memo };
    },
  };
}
