/** What lambdaHandler tells a mapping, and that the mapping then brings everything. */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Doorbell, isProtosourceError } from "protosource-es";
import { batchResponse, doorbellsOf, type LambdaEvent, lambdaHandler } from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { type MappedFunction, type MappedRecord, runMapping } from "protosource-es/testing/faults";
import { assert, describe, expect, it, onTestFinished, vi } from "vitest";

/** A number as DynamoDB Streams gives it: of more digits than a double has. */
function sequenceNumber(index: number): string {
  return String(111_111_111_111_111_111_000n + BigInt(index));
}

function change(streamId: string, version: number, index: number) {
  return {
    eventName: "INSERT",
    dynamodb: {
      Keys: { a: { S: streamId }, v: { N: String(version) } },
      NewImage: { a: { S: streamId }, v: { N: String(version) }, d: { B: Uint8Array.of(version) } },
      SequenceNumber: sequenceNumber(index),
    },
  };
}

function inKinesis(record: ReturnType<typeof change>, index: number): MappedRecord {
  const base64 = {
    ...record.dynamodb.NewImage,
    d: { B: Buffer.from(record.dynamodb.NewImage.d.B).toString("base64") },
  };
  const data = JSON.stringify({ ...record, dynamodb: { ...record.dynamodb, NewImage: base64 } });
  const kinesis = {
    partitionKey: String(index),
    sequenceNumber: sequenceNumber(index),
    data: Buffer.from(data).toString("base64"),
  };
  return { kinesis };
}

const context = { getRemainingTimeInMillis: () => 60_000 };

describe("batchResponse", () => {
  it.each([
    [[], []],
    [["5"], ["5"]],
    [["12", "9", "100"], ["9"]],
    [[sequenceNumber(2), sequenceNumber(1)], [sequenceNumber(1)]],
    [["007", "8"], ["007"]],
  ])("names of %j the lowest", (failed, named) => {
    expect(batchResponse(failed)).toEqual({ batchItemFailures: named.map((itemIdentifier) => ({ itemIdentifier })) });
  });

  it.each(["", " ", "x", "1.5"])("refuses %j, which a mapping would take for everything", (failed) => {
    let thrown: unknown;
    try {
      batchResponse(["1", failed]);
    } catch (error) {
      thrown = error;
    }
    expect(isProtosourceError(thrown, "invalid_argument")).toBe(true);
  });
});

describe("doorbellsOf", () => {
  const saved = {
    streamId: "a#1",
    version: 1n,
    kind: "saved",
    records: [create(StoredRecordSchema, { version: 1n, data: Uint8Array.of(1) })],
    sequenceNumber: sequenceNumber(0),
  };
  const events: LambdaEvent[] = [];
  const seen: MappedFunction = async (event) => void events.push(event as LambdaEvent);

  it("reads the changes of DynamoDB Streams and of Kinesis alike", async () => {
    const record = change("a#1", 1, 0);
    await runMapping([record], seen);
    await runMapping([inKinesis(record, 0)], seen);
    expect(events.splice(0).map(doorbellsOf)).toEqual([[saved], [saved]]);
  });

  it("leaves out what is no change of an event", () => {
    const kinesis = (text: string) => ({
      kinesis: { sequenceNumber: "1", data: Buffer.from(text).toString("base64") },
    });
    const Records = [
      {},
      { dynamodb: { Keys: { pk: { S: "x" } } } },
      { dynamodb: { Keys: { a: { S: "x" }, v: { S: "1" } } } },
      kinesis("no JSON"),
      kinesis("null"),
      kinesis("{}"),
    ];
    expect(doorbellsOf({ Records })).toEqual([]);
    expect(doorbellsOf({})).toEqual([]);
  });

  it("rings for the end of what expired, and without the data of what can't be read", () => {
    const Keys = { a: { S: "a#1" }, v: { N: "7" } };
    const Records = [
      { eventName: "REMOVE", dynamodb: { Keys, SequenceNumber: "1" } },
      { eventName: "UNKNOWN_TO_SDK_VERSION", dynamodb: { Keys, SequenceNumber: "2" } },
      {
        eventName: "INSERT",
        dynamodb: { Keys, NewImage: { ...Keys, n: { N: "3" }, d: { B: "AAAA" } }, SequenceNumber: "3" },
      },
      { eventName: "MODIFY", dynamodb: { Keys, SequenceNumber: "4" } },
    ];
    expect(doorbellsOf({ Records })).toEqual(
      ["gone", "gone", "saved", "saved"].map((kind, i) => ({
        streamId: "a#1",
        version: 7n,
        kind,
        sequenceNumber: String(i + 1),
      })),
    );
  });
});

describe("lambdaHandler", () => {
  const event = { Records: [3, 1, 2, 4].map((index) => change(index === 1 ? "a#1" : "a#2", index, index)) };
  const failing = (doorbells: readonly Doorbell[]) => ({ failures: doorbells.map((doorbell) => ({ doorbell })) });

  it("names the lowest number of what couldn't be done", async () => {
    const handler = lambdaHandler({ deliver: async (doorbells) => failing(doorbells.slice(0, 1)) });
    expect(await handler(event, context)).toEqual({ batchItemFailures: [{ itemIdentifier: sequenceNumber(2) }] });
  });

  it("names none when all is done, and when nothing rings", async () => {
    const handler = lambdaHandler({ deliver: async () => ({ failures: [] }) });
    expect(await handler(event, context)).toEqual({ batchItemFailures: [] });
    expect(await handler({}, context)).toEqual({ batchItemFailures: [] });
  });

  it("fails with what delivery throws, so that everything comes again", async () => {
    const handler = lambdaHandler({ deliver: async () => Promise.reject(new Error("denied")) });
    await expect(handler(event, context)).rejects.toThrow("denied");
  });

  it("leaves time for the answer", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const handler = lambdaHandler({
      deliver: (doorbells, { signal } = {}) =>
        new Promise((resolve) => signal?.addEventListener("abort", () => resolve(failing(doorbells)))),
    });
    const answer = handler(event, { getRemainingTimeInMillis: () => 300 });
    await vi.advanceTimersByTimeAsync(299);
    const response = await Promise.race([answer, "none in time" as const]);
    assert(response !== "none in time");
    expect(response.batchItemFailures).toEqual([{ itemIdentifier: sequenceNumber(1) }]);
  });

  it("has everything done in the end, whatever fails, in whatever order it comes", async () => {
    const plans = fc.record({
      streams: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 60 }),
      seed: fc.nat(),
      lanes: fc.integer({ min: 1, max: 10 }),
      batchSize: fc.integer({ min: 1, max: 20 }),
      bisect: fc.boolean(),
      redelivered: fc.constantFrom(0, 0.3),
      shuffled: fc.constantFrom(0, 0.5),
      failures: fc.array(fc.constantFrom("none", "some", "throw"), { maxLength: 40 }),
      source: fc.constantFrom("streams", "kinesis"),
    });
    await fc.assert(
      fc.asyncProperty(plans, async ({ streams, failures, source, ...options }) => {
        const versions = new Map<number, number>();
        const records = streams.map((stream, i) => {
          const version = (versions.get(stream) ?? 0) + 1;
          versions.set(stream, version);
          const record = change(`a#${stream}`, version, i);
          return source === "streams" ? record : inKinesis(record, i);
        });
        const rang = new Set<string>();
        const done = (doorbell: Doorbell): void => void rang.add(`${doorbell.streamId}:${doorbell.version}`);
        const handler = lambdaHandler({
          async deliver(doorbells) {
            const failure = failures.shift() ?? "none";
            if (failure === "throw") throw new Error("no table");
            const failed = failure === "some" ? doorbells.filter((_, i) => i % 3 === 1) : [];
            const streams = new Set(failed.map(({ streamId }) => streamId));
            for (const doorbell of doorbells) if (!streams.has(doorbell.streamId)) done(doorbell);
            return failing(failed);
          },
        });
        const { discarded } = await runMapping(
          records,
          (event, context) => handler(event as LambdaEvent, context),
          options,
        );
        expect(discarded).toEqual([]);
        expect(rang.size).toBe(records.length);
      }),
      { numRuns: 200 },
    );
  });
});
