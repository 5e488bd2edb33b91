/** The services that an outbox sends to, each with its limits, its answers and its failures. */
import fc from "fast-check";
import type { EventStore } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import {
  defineOutbox,
  eventBridge,
  kafka,
  type OutboxMessage,
  on,
  type Sink,
  Subscriptions,
  sns,
  sqs,
} from "protosource-es/subscriptions";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { order } from "../../order.js";
import { randomNumbers } from "../../soak/random.js";
import { FakeEventBridge, FakeKafka, FakeQueue, type FakeService } from "../../subscriptions/fake-services.js";
import { withFaults } from "../../subscriptions/random-run.js";
import { orderEvent, recordOf } from "../../subscriptions/sales.js";

interface Target {
  readonly service: FakeService;
  readonly to: Sink;
  /** Whether it keeps the order of a stream. */
  readonly isOrdered: boolean;
}

const FIFO = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo";
const ARN = "arn:aws:sns:eu-west-1:123456789012:orders";

const TARGETS: Readonly<Record<string, (maxBytes?: number) => Target>> = {
  EventBridge: (maxBytes) => {
    const service = new FakeEventBridge();
    return { service, to: eventBridge(service, { bus: "shop", maxBytes }), isOrdered: false };
  },
  SQS: (maxBytes) => {
    const service = new FakeQueue();
    return { service, to: sqs(service, { queueUrl: FIFO.slice(0, -5), maxBytes }), isOrdered: false };
  },
  "SQS FIFO": (maxBytes) => {
    const service = new FakeQueue();
    return { service, to: sqs(service, { queueUrl: FIFO, maxBytes }), isOrdered: true };
  },
  SNS: (maxBytes) => {
    const service = new FakeQueue();
    return { service, to: sns(service, { topicArn: ARN, maxBytes }), isOrdered: false };
  },
  "SNS FIFO": (maxBytes) => {
    const service = new FakeQueue();
    return { service, to: sns(service, { topicArn: `${ARN}.fifo`, maxBytes }), isOrdered: true };
  },
  Kafka: (maxBytes) => {
    const service = new FakeKafka();
    return { service, to: kafka({ producer: service, topic: "orders", maxBytes }), isOrdered: true };
  },
};

const targets = Object.entries(TARGETS);
const unordered = ["EventBridge", "SQS", "SNS"] as const;

function targetOf(name: string, maxBytes?: number): Target {
  return (TARGETS[name] as (maxBytes?: number) => Target)(maxBytes);
}

function messageOf(version: number, more: Partial<OutboxMessage> = {}): OutboxMessage {
  return {
    dedupeId: `s#1:${version}`,
    streamId: "s#1",
    id: "1",
    version: BigInt(version),
    source: "shop",
    type: "Placed",
    at: 1_764_343_190_123_456n,
    data: null,
    event: undefined,
    body: `{"version":${version}}`,
    contentType: "application/json",
    ...more,
  };
}

const some = (count: number, more?: Partial<OutboxMessage>): OutboxMessage[] =>
  Array.from({ length: count }, (_, i) => messageOf(i + 1, more));

/** Sends until nothing is left, as an outbox does. */
async function sendAll(to: Sink, messages: readonly OutboxMessage[]): Promise<void> {
  for (let left = messages; left.length > 0; ) {
    left = left.slice((await to(left, { signal: undefined })) ?? left.length);
  }
}

describe("a request", () => {
  test.each(unordered)("to %s has up to 10 messages", async (name) => {
    const { service, to } = targetOf(name);
    await sendAll(to, some(25));
    expect(service.requests).toEqual([10, 10, 5]);
    expect(service.delivered.map(({ body }) => body)).toEqual(some(25).map(({ body }) => body));
  });

  test.each(["SQS FIFO", "SNS FIFO"])(
    "to %s has one, so that none can come before another that failed",
    async (name) => {
      const { service, to } = targetOf(name);
      await sendAll(to, some(3));
      expect(service.requests).toEqual([1, 1, 1]);
      expect(service.delivered.map(({ lane, dedupeId }) => [lane, dedupeId])).toEqual([
        ["s#1", "s#1:1"],
        ["s#1", "s#1:2"],
        ["s#1", "s#1:3"],
      ]);
    },
  );

  test("to Kafka has all, under the key of the stream", async () => {
    const { service, to } = targetOf("Kafka");
    await sendAll(to, some(25));
    expect(service.requests).toEqual([25]);
    expect(service.delivered[24]).toEqual({ lane: "s#1", dedupeId: "s#1:25", type: "Placed", body: '{"version":25}' });
  });

  test.each(targets)("to %s has no more bytes than the service takes, whatever the sizes", async (_, make) => {
    const sizes = fc.array(fc.integer({ min: 2, max: 200_000 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const { service, to } = make();
        const messages = lengths.map((length, i) => messageOf(i + 1, { body: `{${"ü".repeat(length / 2)}` }));
        await sendAll(to, messages);
        expect(service.delivered.map(({ body }) => body.length)).toEqual(messages.map(({ body }) => body.length));
      }),
      { numRuns: 10 },
    );
  });
});

describe("a message that can never be sent", () => {
  test.each(targets)(
    "because it is larger than %s takes is too_large, and those before it are sent",
    async (_, make) => {
      const { service, to } = make(2_000);
      const large = messageOf(2, { body: `{${"x".repeat(2_000)}` });
      const messages = [messageOf(1), large, messageOf(3)];
      expect(await to(messages, { signal: undefined })).toBe(1);
      expect(service.delivered).toHaveLength(1);
      expect(await failure(to(messages.slice(1), { signal: undefined }))).toMatchObject({
        code: "too_large",
        details: { what: "the message s#1:2 (Placed)", limit: 2_000 },
      });
      expect(service.requests).toHaveLength(1);
    },
  );

  test.each([...unordered, "SQS FIFO", "SNS FIFO"])(
    "because %s refuses what is in it is invalid_argument",
    async (name) => {
      const { to } = targetOf(name);
      const bad = messageOf(1, { body: name === "EventBridge" ? "no object" : "\uFFFE" });
      expect(await failure(to([bad], { signal: undefined }))).toMatchObject({ code: "invalid_argument" });
    },
  );

  test("because a topic of Kafka takes less is too_large", async () => {
    const { service, to } = targetOf("Kafka");
    service.maxBytes = 10;
    expect(await failure(to(some(1), { signal: undefined }))).toMatchObject({ code: "too_large" });
  });

  test("because EventBridge has no room for its type is too_large", async () => {
    const { to } = targetOf("EventBridge");
    const long = messageOf(1, { type: "t".repeat(129) });
    expect(await failure(to([long], { signal: undefined }))).toMatchObject({ code: "too_large" });
  });
});

describe("a batch that was taken in part", () => {
  test.each(unordered)("by %s counts up to what failed", async (name) => {
    const { service, to } = targetOf(name);
    let entry = 0;
    service.entryFault = () => (++entry === 3 ? "InternalFailure" : undefined);
    expect(await to(some(5), { signal: undefined })).toBe(2);
    expect(service.delivered).toHaveLength(4);
  });

  test.each(unordered)("by %s without its first is a failure of the service", async (name) => {
    const { service, to } = targetOf(name);
    let entry = 0;
    service.entryFault = () => (++entry === 1 ? "ThrottlingException" : undefined);
    expect(await failure(to(some(5), { signal: undefined }))).toMatchObject({
      code: "unavailable",
      details: { reasons: ["ThrottlingException"] },
    });
  });

  test("counts only what the answer tells of", async () => {
    const silent = { putEvents: async () => ({}), publishBatch: async () => ({}), sendMessageBatch: async () => ({}) };
    for (const to of [
      eventBridge(silent, { bus: "b" }),
      sns(silent, { topicArn: ARN }),
      sqs(silent, { queueUrl: FIFO }),
    ]) {
      expect(await failure(to(some(2), { signal: undefined }))).toMatchObject({ code: "unavailable" });
    }
  });

  test("is what an error code of Kafka tells of a partition", async () => {
    const to = kafka({ producer: { send: async () => [{ errorCode: 0 }, { errorCode: 19 }] }, topic: "t" });
    await failure(to(some(2), { signal: undefined }));
  });
});

test.each([
  ["a long stream", `s#${"x".repeat(200)}`],
  ["a stream with spaces", "s#a b"],
  ["a stream of other scripts", "s#日本"],
])("FIFO ids of %s are hashes, of the same length and different", async (_, streamId) => {
  const { service, to } = targetOf("SQS FIFO");
  await sendAll(
    to,
    [1, 2].map((version) => messageOf(version, { streamId, dedupeId: `${streamId}:${version}` })),
  );
  const [one, two] = service.delivered;
  expect(one?.lane).toMatch(/^[0-9a-f]{64}$/);
  expect(two?.lane).toBe(one?.lane);
  expect(one?.dedupeId).toMatch(/^[0-9a-f]{64}$/);
  expect(two?.dedupeId).not.toBe(one?.dedupeId);
});

test("a call's signal goes to the client", async () => {
  const { signal } = new AbortController();
  const signals: unknown[] = [];
  const client = {
    putEvents: async (_: unknown, options: object) => {
      signals.push(options);
      return { Entries: [{ EventId: "1" }] };
    },
  };
  await eventBridge(client, { bus: "b" })(some(1), { signal });
  expect(signals).toEqual([{ abortSignal: signal }]);
});

describe("with random failures", () => {
  test.each(targets)("%s gets every event, in order, and by their ids no other", async (_, make) => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const { delivered, expected, isOrdered } = await randomOutbox(make(), randomNumbers(seed));
        const ids = delivered.map(({ body }) => JSON.parse(body).id as string);
        expect(new Set(ids)).toEqual(new Set(expected));
        const byId = new Map(delivered.map(({ body }) => [JSON.parse(body).id, body]));
        for (const { body } of delivered) expect(body).toBe(byId.get(JSON.parse(body).id));
        if (isOrdered) expect(perStream([...new Set(ids)])).toEqual(perStream(expected));
      }),
      { numRuns: 8 },
    );
  });
});

/** Writes streams while workers send them, and the store and the service fail; then all is caught up without faults. */
async function randomOutbox({ service, to, isOrdered }: Target, random: () => number) {
  const store: EventStore = new MemoryStore();
  let isFaulty = true;
  service.requestFault = () => {
    if (!isFaulty || random() > 0.2) return "none";
    return random() < 0.5 ? "throttled" : "lost answer";
  };
  service.entryFault = () => (isFaulty && random() < 0.1 ? "InternalFailure" : undefined);
  const outbox = defineOutbox({
    name: "bus",
    since: "beginning",
    from: [on(order, { Created: () => ({}), ItemAdded: () => ({}) })],
    to,
  });
  const faulty = withFaults(store, random, () => isFaulty);
  const workers = [1, 2, 3].map(() => new Subscriptions({ store: faulty, all: [outbox] }));
  const expected: string[] = [];
  const versions = new Map<string, bigint>();
  const rings: Promise<unknown>[] = [];
  for (let step = 0; step < 25; step++) {
    const id = `o-${Math.floor(random() * 3)}`;
    const streamId = `example_app_order_v1#${id}`;
    const from = versions.get(streamId) ?? 0n;
    const records = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) => {
      const version = from + BigInt(i) + 1n;
      const kind = version === 1n ? "Created" : random() < 0.7 ? "ItemAdded" : "ItemRemoved";
      if (kind !== "ItemRemoved") expected.push(`${streamId}:${version}`);
      return recordOf(orderEvent(kind, id, version), version);
    });
    await store.save(streamId, records);
    const version = from + BigInt(records.length);
    versions.set(streamId, version);
    for (const worker of workers.filter(() => random() < 0.5)) {
      rings.push(worker.deliver([{ streamId, version, kind: "saved", records: random() < 0.5 ? records : undefined }]));
    }
    if (random() < 0.3) await Promise.all(rings.splice(0));
  }
  await Promise.all(rings);
  isFaulty = false;
  expect(await new Subscriptions({ store, all: [outbox] }).catchUp()).toMatchObject({ parked: 0 });
  return { delivered: service.delivered, expected, isOrdered };
}

/** Gives the ids of each stream, in the order in which they came. */
function perStream(ids: readonly string[]): Readonly<Record<string, string[]>> {
  const streams: Record<string, string[]> = {};
  for (const id of ids) {
    const streamId = id.slice(0, id.lastIndexOf(":"));
    streams[streamId] = [...(streams[streamId] ?? []), id];
  }
  return streams;
}
