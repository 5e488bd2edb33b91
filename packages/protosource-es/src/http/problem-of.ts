/** The table of errors for routes that the handler doesn't know: those of an application's own. */
import { PROBLEM_TYPE, type ProblemBody, problemBody } from "./problem.js";
import { Refusal } from "./refusal.js";
import { refuse } from "./refuse.js";

/** An answer of RFC 9457 as plain data, for whatever sends it. `Response.json(problem.body, problem)` makes one. */
export interface Problem {
  readonly status: number;
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemBody;
}

/**
 * Gives what a caller is told of an error on a route of your own, for the error handler of a framework: what the plain
 * paths of `fetchHandler` tell of an error of this package, and of a {@link Refusal}. Anything else, and what isn't for
 * callers, such as a table that is missing, is told as `internal error` with status 500: log it.
 */
export function problemOf(error: unknown): Problem {
  const refusal = error instanceof Refusal ? error : (refuse(error, PLAIN) ?? INTERNAL);
  const { retryAfter } = refusal;
  const body = problemBody(refusal);
  const headers = { "content-type": PROBLEM_TYPE, ...(retryAfter !== undefined && { "retry-after": `${retryAfter}` }) };
  return { status: body.status, headers, body };
}

const PLAIN = { isConditional: false, commandScope: undefined };

const INTERNAL = new Refusal("internal", "internal error");
