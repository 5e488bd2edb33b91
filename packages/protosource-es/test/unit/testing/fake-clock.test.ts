import { FakeClock } from "protosource-es/testing";
import { expect, test } from "vitest";

test("a fake clock stands still at the beginning of 2026", () => {
  const clock = new FakeClock();
  expect(clock.now()).toBe(BigInt(Date.parse("2026-01-01T00:00:00Z")) * 1000n);
  expect(clock.now()).toBe(clock.now());
});

test("a fake clock starts where it is told to, and is moved by seconds and microseconds", () => {
  const clock = new FakeClock(5n);
  clock.advanceSeconds(2);
  expect(clock.now()).toBe(2_000_005n);
  clock.advanceMicros(10n);
  expect(clock.now()).toBe(2_000_015n);
  clock.advanceSeconds(-1);
  expect(clock.now()).toBe(1_000_015n);
});
