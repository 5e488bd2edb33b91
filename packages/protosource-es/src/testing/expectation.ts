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

/** How a test names what it has begun, and what is still to be added to it. */
interface Begun {
  readonly what: string;
  readonly advice: string;
  /** To be called when something is expected, where it has to be. */
  readonly asked?: () => void;
}

/**
 * Gives an expectation its `then`, the public word of given-when-then, which is that of promises too. An `await` in the
 * place of what is expected passes functions, and is refused instead of passing as a test.
 */
export function withThen<O extends object, A extends readonly unknown[], R>(
  others: O,
  { what, advice, asked }: Begun,
  then: (...expected: A) => R,
): O & { then(...expected: A): R } {
  return {
    ...others,
    // biome-ignore lint/suspicious/noThenProperty: given-when-then has no other public word for it. What the rule fears, an await that takes this for a promise, passes functions and is refused in the next lines.
    then(...expected: A) {
      asked?.();
      if (typeof expected[0] === "function")
        throw misuse(`${what} was awaited, and nothing is expected of it: ${advice}`);
      return then(...expected);
    },
  };
}

/** Gives the error of a test that is none. */
export function misuse(problem: string): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError("invalid_argument", problem, { argument: "given" });
}
