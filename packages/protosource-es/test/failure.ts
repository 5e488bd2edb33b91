import { expect } from "vitest";

/** Gives the error that a call ends with, and fails the test when it ends with none. */
export function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => expect.fail(`expected an error, got ${String(value)}`),
    (error: unknown) => error,
  );
}
