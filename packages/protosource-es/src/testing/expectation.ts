/** How a test fails: by what differs, or because it is no test. */
import { ProtosourceError } from "../errors.js";

/** Fails with what differs, if anything does. */
export function failWith(what: string, differences: readonly string[]): void {
  if (differences.length > 0) throw new Error([`${what}:`, ...differences].join("\n  "));
}

/**
 * Makes sure that something is expected of what a test has begun: otherwise it would pass whatever happens. An `await`
 * asks within two turns. Call what this returns when something is expected.
 */
export function mustExpect(what: string, advice: string): () => void {
  let isAsked = false;
  queueMicrotask(() => {
    queueMicrotask(() => {
      if (!isAsked) void Promise.reject(misuse(`${what} expects nothing: ${advice}`));
    });
  });
  return () => {
    isAsked = true;
  };
}

/** Refuses an `await` in the place of an expectation: it calls `then` with functions. */
export function refuseAwait(argument: unknown, what: string, advice: string): void {
  if (typeof argument === "function") throw misuse(`${what} was awaited, and nothing is expected of it: ${advice}`);
}

/** Gives the error of a test that is none. */
export function misuse(problem: string): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError("invalid_argument", problem, { argument: "given" });
}
