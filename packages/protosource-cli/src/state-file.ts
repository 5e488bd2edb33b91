/** Where a long piece of work is kept while it isn't done: a file of JSON. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { usageError } from "./failure.js";

/** Keeps how far a piece of work has come. */
export interface StateFile<P> {
  /** What was kept by the run before; undefined when the work begins anew. */
  readonly resumed: P | undefined;
  /** Keeps this, now or within a second. */
  update(progress: P): void;
  /** Writes what was kept last. */
  flush(): void;
  /** The work is done. */
  remove(): void;
}

/** How often the file is written, in milliseconds. */
const WRITE_EVERY_MS = 1000;

/**
 * Opens the state file of a job. `job` says all that must be the same when it goes on.
 *
 * Throws `invalid_argument` when the work is to go on and the file isn't there, isn't a state, or is of another job.
 */
export function openStateFile<P>(path: string, job: Readonly<Record<string, unknown>>, resume: boolean): StateFile<P> {
  const resumed = resume ? readState<P>(path, job) : undefined;
  let latest: P | undefined;
  let writtenAt = Number.NEGATIVE_INFINITY;
  const flush = (): void => {
    if (latest === undefined) return;
    writtenAt = performance.now();
    try {
      // A crash while writing leaves the state before.
      writeFileSync(`${path}.new`, JSON.stringify({ job, progress: latest }));
      renameSync(`${path}.new`, path);
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code;
      throw usageError(
        "--state",
        `the state can't be kept in ${path} (${reason}): give another file by --state`,
        cause,
      );
    }
  };
  return {
    resumed,
    flush,
    update(progress) {
      latest = progress;
      if (performance.now() - writtenAt >= WRITE_EVERY_MS) flush();
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function readState<P>(path: string, job: Readonly<Record<string, unknown>>): P {
  if (!existsSync(path)) {
    throw usageError("--resume", `there is no state in ${path} to go on from: leave --resume out to begin anew`);
  }
  let state: { readonly job?: unknown; readonly progress?: unknown };
  try {
    state = JSON.parse(readFileSync(path, "utf8")) as typeof state;
  } catch (cause) {
    throw usageError("--state", `${path} is no state of protosource: leave --resume out to begin anew`, cause);
  }
  if (JSON.stringify(state.job) !== JSON.stringify(job) || state.progress === undefined) {
    const advice = "go on with the same options, or leave --resume out to begin anew";
    throw usageError(
      "--resume",
      `${path} is the state of another piece of work (${JSON.stringify(state.job)}): ${advice}`,
    );
  }
  return state.progress as P;
}
