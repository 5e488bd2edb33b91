/** What the compiler must know of errors. Checked by `npm run check:types`; nothing here runs. */
import { type ErrorCode, type ErrorDetails, isProtosourceError, ProtosourceError } from "protosource-es";
import { expectTypeOf } from "vitest";

declare const caught: unknown;

// A code narrows the details.
if (isProtosourceError(caught, "version_conflict")) {
  expectTypeOf(caught).toEqualTypeOf<ProtosourceError<"version_conflict">>();
  expectTypeOf(caught.code).toEqualTypeOf<"version_conflict">();
  expectTypeOf(caught.details).toEqualTypeOf<{ readonly aggregateId: string; readonly version: bigint }>();
  // @ts-expect-error: another code's details aren't there
  void caught.details.commitId;
  // @ts-expect-error: details can't be changed
  caught.details.version = 2n;
}

// Without a code every code is possible, and a switch over them narrows.
if (isProtosourceError(caught)) {
  expectTypeOf(caught.code).toEqualTypeOf<ErrorCode>();
  switch (caught.code) {
    case "too_large":
      expectTypeOf(caught.details).toEqualTypeOf<ErrorDetails["too_large"]>();
      break;
    case "partial_save":
      expectTypeOf(caught.details.committed).toEqualTypeOf<bigint>();
      break;
    default:
      // @ts-expect-error: those two are dealt with
      caught.code satisfies "too_large" | "partial_save";
  }
}

// @ts-expect-error: the set of codes is closed
isProtosourceError(caught, "conflict");

// Details belong to their code.
new ProtosourceError("not_keyed", "no keys", { typeName: "a.B" });
// @ts-expect-error: these are the details of another code
new ProtosourceError("not_keyed", "no keys", { aggregateId: "1" });
