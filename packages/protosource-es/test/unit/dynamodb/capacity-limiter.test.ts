import { isProtosourceError } from "protosource-es";
import { createCapacityLimiter, type ObservedRequest } from "protosource-es/dynamodb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const request = (readUnits: number, writeUnits: number): ObservedRequest => ({
  operation: "Query",
  table: "events",
  attempts: 1,
  readUnits,
  writeUnits,
  milliseconds: 1,
  failure: undefined,
});

describe("createCapacityLimiter", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Counts the milliseconds until there is room. */
  async function waited(pace: Promise<void>): Promise<number> {
    const start = performance.now();
    let end: number | undefined;
    void pace.then(() => {
      end = performance.now();
    });
    while (end === undefined && performance.now() - start < 100_000) await vi.advanceTimersByTimeAsync(1);
    return (end ?? Number.NaN) - start;
  }

  it("keeps to the rate on average, whatever the size of the requests", async () => {
    const { onRequest, pace } = createCapacityLimiter(10);
    const start = performance.now();
    for (const units of [5, 30, 1, 60, 4]) {
      await waited(pace());
      onRequest(request(units, 0));
    }
    await waited(pace());
    const seconds = (performance.now() - start) / 1000;
    expect(100 / seconds).toBeLessThanOrEqual(10 / (1 - 10 / 100) + 0.1);
    expect(seconds).toBeGreaterThan(8.9);
  });

  it("doesn't wait while there is room, and counts reads and writes together", async () => {
    const { onRequest, pace } = createCapacityLimiter(10);
    onRequest(request(4, 5));
    expect(await waited(pace())).toBeLessThan(5);
    onRequest(request(6, 5));
    const pause = await waited(pace());
    expect(pause).toBeGreaterThanOrEqual(990);
    expect(pause).toBeLessThan(1100);
  });

  it("saves up no more than a second", async () => {
    const { onRequest, pace } = createCapacityLimiter(10);
    await vi.advanceTimersByTimeAsync(60_000);
    onRequest(request(20, 0));
    expect(await waited(pace())).toBeGreaterThanOrEqual(990);
  });

  it("stops waiting when the signal is aborted", async () => {
    const { onRequest, pace } = createCapacityLimiter(1);
    onRequest(request(1000, 0));
    const controller = new AbortController();
    const pausing = waited(pace(controller.signal));
    controller.abort();
    expect(await pausing).toBeLessThan(10);
  });

  it("refuses a rate that isn't above 0", () => {
    for (const rate of [0, -1, Number.NaN]) {
      let thrown: unknown;
      try {
        createCapacityLimiter(rate);
      } catch (error) {
        thrown = error;
      }
      expect(isProtosourceError(thrown, "invalid_argument")).toBe(true);
    }
  });
});
