/** How far a long piece of work is, on a terminal. */
import { duration } from "./format.js";
import type { Output } from "./output.js";

/** The pause between two looks at the clock, in milliseconds: more often nobody reads. */
const SHOW_EVERY_MS = 200;

const BAR_WIDTH = 20;

/** Tells how much is done, and what else there is to say. */
export type ShowProgress = (done: number, details?: string) => void;

/** Makes a progress bar with rate and time left. Without a `total` it shows what is done, and the rate. */
export function createProgress(output: Output, unit: string, total: number | undefined, doneBefore = 0): ShowProgress {
  const start = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  return (done, details = "") => {
    const now = performance.now();
    if (now - shownAt < SHOW_EVERY_MS) return;
    shownAt = now;
    const rate = (done - doneBefore) / Math.max(0.001, (now - start) / 1000);
    const parts = [`${done} ${unit}`, `${Math.round(rate)}/s`];
    if (total !== undefined && total > 0) {
      // The count of a table is hours old.
      const share = Math.min(0.999, done / total);
      const filled = Math.round(share * BAR_WIDTH);
      parts.unshift(`[${"#".repeat(filled).padEnd(BAR_WIDTH, ".")}] ${Math.floor(share * 100)} %`);
      if (rate > 0) parts.push(`${duration(Math.max(0, total - done) / rate)} left`);
    }
    if (details !== "") parts.push(details);
    output.status(parts.join("  "));
  };
}
