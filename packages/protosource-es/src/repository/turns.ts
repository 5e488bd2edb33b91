/** Turns at streams that several callers of this process want to change at once: each waits for the one before it. */
import { whenAborted } from "../signals.js";

/** How long a caller waits for its turn at most, in milliseconds. A rule that calls for its own aggregate would wait on. */
const LONGEST_WAIT_MS = 1_000;

/** The last turn at each stream, by the store that it is in. */
const lastTurns = new WeakMap<object, Map<string, Promise<void>>>();

/**
 * Does work on streams: at once, where nobody has met anybody there, and else when the turns before are over. The work
 * calls `waitForTurn` when it has met somebody. Its turn ends with it.
 *
 * That spares conflicts, and is no lock: after a second of waiting a caller goes on, and one in another process knows
 * nothing of it.
 */
export async function inTurns<R>(
  store: object,
  streamIds: readonly string[],
  signal: AbortSignal | undefined,
  work: (waitForTurn: () => Promise<void>) => Promise<R>,
): Promise<R> {
  let endTurn: (() => void) | undefined;
  const waitForTurn = async (): Promise<void> => {
    endTurn ??= await takeTurn(store, streamIds, signal);
  };
  const turns = lastTurns.get(store);
  if (turns !== undefined && streamIds.some((streamId) => turns.has(streamId))) await waitForTurn();
  try {
    return await work(waitForTurn);
  } finally {
    endTurn?.();
  }
}

async function takeTurn(
  store: object,
  streamIds: readonly string[],
  signal: AbortSignal | undefined,
): Promise<() => void> {
  const turns = lastTurns.get(store) ?? new Map<string, Promise<void>>();
  lastTurns.set(store, turns);
  let end = (): void => {};
  const mine = new Promise<void>((resolve) => {
    end = resolve;
  });
  const before = streamIds.flatMap((streamId) => turns.get(streamId) ?? []);
  for (const streamId of streamIds) turns.set(streamId, mine);
  await settled(before, signal);
  return () => {
    end();
    for (const streamId of streamIds) {
      if (turns.get(streamId) === mine) turns.delete(streamId);
    }
  };
}

/** Waits until all is over, as long as a turn is waited for, or until the signal is aborted. */
async function settled(before: readonly Promise<void>[], signal: AbortSignal | undefined): Promise<void> {
  if (before.length === 0) return;
  let forget = (): void => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LONGEST_WAIT_MS);
    forget = whenAborted(signal, resolve);
    void Promise.all(before).then(() => resolve());
  });
  clearTimeout(timer);
  forget();
}
