/** Where a long piece of work is kept while it isn't done: a file of JSON. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cantWrite } from "./cant-write.js";
import { usageError } from "./failure.js";

/** Keeps how far a piece of work has come. */
export interface StateFile<P> {
  /** What was kept by the run before; undefined when the work begins anew. */
  readonly resumed: P | undefined;
  /** Keeps this, now or within a second. */
  update(progress: P): void;
  /** Writes what was kept last, and tells whether there is anything to go on from. */
  flush(): boolean;
  /** The work is done. */
  remove(): void;
}

type Job = Readonly<Record<string, unknown>>;

/** What the file holds. */
interface State {
  readonly job: Job;
  readonly progress: unknown;
  readonly digest: string;
}

/** How often the file is written, in milliseconds. */
const WRITE_EVERY_MS = 1000;

/** The version of what commands keep: to be raised when one of them keeps something else. */
const FORMAT = 3;

/**
 * Opens the state file of a job. `argument` names the option that named it, and `job` says all that must be the same
 * when it goes on.
 *
 * Throws `invalid_argument` when the work is to go on and the file isn't there, isn't a state, was changed by hand, or
 * is of another job; and for any other file that is there, which it would replace.
 */
export function openStateFile<P>(path: string, argument: string, job: Job, resume: boolean): StateFile<P> {
  const resumed = resume ? (readProgress(path, job) as P) : undefined;
  if (!resume && existsSync(path) && readState(path) === undefined) {
    const problem = `${path} is there, and is no state of protosource`;
    throw usageError(argument, `${problem}: move it away, or give another file by ${argument}`);
  }
  let latest = resumed;
  let writtenAt = Number.NEGATIVE_INFINITY;
  const flush = (): boolean => {
    if (latest === undefined) return false;
    writtenAt = performance.now();
    try {
      // A crash while writing leaves the state before.
      writeFileSync(`${path}.new`, JSON.stringify({ job, progress: latest, digest: digestOf(job, latest) }));
      renameSync(`${path}.new`, path);
    } catch (cause) {
      throw cantWrite(argument, path, cause);
    }
    return true;
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

function readProgress(path: string, job: Job): unknown {
  if (!existsSync(path)) {
    throw usageError("--resume", `there is no state in ${path} to go on from: leave --resume out to begin anew`);
  }
  const state = readState(path);
  if (state === undefined) {
    throw usageError("--resume", `${path} is no state of protosource: leave --resume out to begin anew`);
  }
  if (JSON.stringify(state.job) !== JSON.stringify(job)) {
    const differing = Object.keys({ ...state.job, ...job }).filter(
      (name) => JSON.stringify(state.job[name]) !== JSON.stringify(job[name]),
    );
    const [before, now] = [state.job, job].map((one) =>
      JSON.stringify(Object.fromEntries(differing.map((name) => [name, one[name]]))),
    );
    const problem = `${path} is the state of another piece of work, of ${before} and not of ${now}`;
    throw usageError("--resume", `${problem}: go on with the same as before, or leave --resume out to begin anew`);
  }
  if (state.digest !== digestOf(job, state.progress)) {
    const what = "was changed by hand, or is of another version of protosource";
    throw usageError("--resume", `the state in ${path} ${what}: leave --resume out to begin anew`);
  }
  return state.progress;
}

/** Reads a state; undefined for what isn't one. */
function readState(path: string): State | undefined {
  try {
    if (!statSync(path).isFile()) return undefined;
    const state = JSON.parse(readFileSync(path, "utf8")) as State | null;
    return typeof state?.job === "object" && state.job !== null ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Tells a state from one that was changed, or is of another format: no other check of what it holds is needed. */
function digestOf(job: Job, progress: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify([FORMAT, job, progress]))
    .digest("hex");
}
