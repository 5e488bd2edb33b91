import { sleep } from "../signals.js";

/** The longest pause before the second attempt, in milliseconds. It doubles with each further attempt. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;

/**
 * Waits a random time before an attempt is repeated, up to a limit that grows: so writers that met once are unlikely
 * to meet again. It ends early when the signal is aborted.
 */
export async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const limit = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  await sleep(Math.random() * limit, signal);
}
