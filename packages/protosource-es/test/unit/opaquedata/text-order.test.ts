import fc from "fast-check";
import {
  beginsWith,
  between,
  compareUtf8,
  eq,
  ge,
  gt,
  le,
  lt,
  matches,
  type SortCondition,
  utf8Length,
} from "protosource-es/opaquedata";
import { expect, test } from "vitest";

/** Texts that often share a beginning, with characters of each length in UTF-8. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("a", "b", "é", "\uffff", "\ue000", "\u{10000}", "\u{1f600}"), maxLength: 4 }),
);

test("texts compare by their bytes", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 1000 },
  );
  expect(compareUtf8("\u{10000}", "\uffff")).toBeGreaterThan(0);
});

test("the length of a text is that of its bytes", () => {
  fc.assert(fc.property(text, (a) => utf8Length(a) === Buffer.byteLength(a)));
});

test("a condition is met as the bytes say", () => {
  fc.assert(
    fc.property(text, text, text, (key, a, b) => {
      const [low, high] = Buffer.compare(Buffer.from(a), Buffer.from(b)) <= 0 ? [a, b] : [b, a];
      const order = Buffer.compare(Buffer.from(key), Buffer.from(a));
      const met = (condition: SortCondition | undefined): boolean => matches(condition, key);
      expect(met(undefined)).toBe(true);
      expect(met(eq(a))).toBe(order === 0);
      expect(met(lt(a))).toBe(order < 0);
      expect(met(le(a))).toBe(order <= 0);
      expect(met(gt(a))).toBe(order > 0);
      expect(met(ge(a))).toBe(order >= 0);
      expect(met(beginsWith(a))).toBe(Buffer.from(key).subarray(0, Buffer.byteLength(a)).equals(Buffer.from(a)));
      expect(met(between(low, high))).toBe(
        Buffer.compare(Buffer.from(key), Buffer.from(low)) >= 0 &&
          Buffer.compare(Buffer.from(key), Buffer.from(high)) <= 0,
      );
    }),
    { numRuns: 1000 },
  );
});
