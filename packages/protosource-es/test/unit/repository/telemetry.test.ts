/** What an observer of a repository is told, with the real tracer and the real meter of OpenTelemetry. */
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import {
  type ObservedOperation,
  ProtosourceError,
  Repository,
  type RepositoryOptions,
  type RepositoryStore,
  repositoryTelemetry,
} from "protosource-es";
import { type DynamoDBClientLike, DynamoDBOpaqueStore, DynamoDBStore, requestTelemetry } from "protosource-es/dynamodb";
import { MemoryStore } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";

const ORDER = "example.app.order.v1.Order";
const options = { id: "secret-id", actor: "secret-actor" };
const create = orderCommands.Create({ customerId: "secret-customer" });
const add = (itemId: string) => orderCommands.AddItem({ item: { itemId, priceCents: 5n, quantity: 1 } });
const remove = orderCommands.RemoveItem({ itemId: "secret-item" });
const tag = (key: string) => orderCommands.AddTag({ tag: { key, value: "secret-value" } });

const spanExporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
const tracer = provider.getTracer("test");
const meter = new MeterProvider().getMeter("test");

beforeAll(() => provider.register());
beforeEach(() => spanExporter.reset());

function scene(more: RepositoryOptions = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const orders = new Repository<OrderTypes>(order, store, { clock, observe: repositoryTelemetry({ tracer }), ...more });
  /** A writer that nobody observes. */
  const other = new Repository<OrderTypes>(order, store, { clock });
  return { clock, store, orders, other };
}

/** Lets somebody else be first, once, when a command is about to be saved. */
function raceBefore(store: RepositoryStore, write: () => Promise<unknown>): void {
  const { save } = store;
  vi.spyOn(store, "save").mockImplementationOnce(async (...args) => {
    await write();
    return save.apply(store, args);
  });
}

const spans = () =>
  spanExporter.getFinishedSpans().map(({ name, status, attributes }) => ({ name, code: status.code, ...attributes }));

describe("the span of a call", () => {
  test("tells what came of a command", async () => {
    const { orders } = scene();
    await orders.apply([create, tag("a")], options);
    await orders.apply(remove, options);
    await orders.apply(tag("b"), { ...options, commandId: "secret-command" });
    await orders.apply(tag("b"), { ...options, commandId: "secret-command" });
    const common = {
      name: `apply ${ORDER}`,
      code: 0,
      "protosource.operation": "apply",
      "protosource.aggregate": ORDER,
    };
    expect(spans()).toEqual([
      {
        ...common,
        "protosource.commands": ["example.app.order.v1.Create", "example.app.order.v1.AddTag"],
        "protosource.events": 2,
        "protosource.conflicts": 0,
        "protosource.retries": 0,
        "protosource.skipped": false,
        "protosource.repeated": false,
      },
      expect.objectContaining({ ...common, "protosource.events": 0, "protosource.skipped": true }),
      expect.objectContaining({ ...common, "protosource.events": 1, "protosource.repeated": false }),
      expect.objectContaining({ ...common, "protosource.events": 0, "protosource.repeated": true }),
    ]);
  });

  test("counts conflicts and retries", async () => {
    const { orders, store, other } = scene();
    await orders.apply(create, options);
    raceBefore(store, () => other.apply(tag("a"), options));
    await orders.apply(tag("b"), options);
    raceBefore(store, () => other.apply(tag("c"), options));
    await failure(orders.apply(tag("d"), { ...options, retries: 0 }));
    expect(spans().slice(1)).toMatchObject([
      { "protosource.conflicts": 1, "protosource.retries": 1, "protosource.events": 1 },
      { "protosource.conflicts": 1, "protosource.retries": 0, "error.type": "version_conflict", code: 0 },
    ]);
  });

  test("tells whether the cache held the aggregate", async () => {
    const { orders, other } = scene({ cache: new Map() });
    await orders.apply(create, options);
    await orders.apply(tag("a"), options);
    await other.apply(tag("b"), options);
    await orders.apply(tag("c"), options);
    await orders.load("secret-id");
    const told = spans();
    expect(told).toMatchObject([
      { "protosource.cache": "miss", "protosource.conflicts": 0 },
      { "protosource.cache": "hit", "protosource.conflicts": 0 },
      { "protosource.cache": "hit", "protosource.conflicts": 1, "protosource.retries": 1 },
      {},
    ]);
    expect(told[1]).not.toHaveProperty(["protosource.replayed_events"]);
    expect(told[3]).not.toHaveProperty(["protosource.cache"]);
  });

  test("tells how many events lie behind the snapshot", async () => {
    const { orders } = scene();
    await orders.apply(create, options);
    await orders.apply(
      Array.from({ length: 48 }, (_, i) => tag(`${i}`)),
      options,
    );
    await orders.load("secret-id");
    await orders.apply([tag("x"), tag("y"), tag("z")], options);
    await orders.load("secret-id");
    expect(spans().map((span) => (span as Record<string, unknown>)["protosource.replayed_events"])).toEqual([
      undefined,
      1,
      49,
      49,
      // Version 51 is the snapshot after version 50; y and z follow it.
      2,
    ]);
  });

  test("is there of every kind of call", async () => {
    const { orders, other } = scene();
    await orders.apply(create, options);
    await orders.load("secret-id");
    const events = await orders.history("secret-id");
    await orders.save(
      "secret-copy",
      events.map((event) => ({ ...event, id: "" })),
    );
    expect(spans()).toMatchObject([
      { name: `apply ${ORDER}` },
      { name: `load ${ORDER}`, "protosource.replayed_events": 1 },
      { name: `history ${ORDER}` },
      { name: `save ${ORDER}`, "protosource.events": 1 },
    ]);
    expect(await other.load("secret-copy")).toMatchObject({ version: 1n });
  });

  test("is an error when something is broken, and none when a command is refused", async () => {
    const { orders, store } = scene();
    await failure(orders.load("secret-id"));
    await failure(orders.apply(tag("a"), options));
    await orders.apply([create, add("secret-item")], options);
    await failure(orders.apply(create, options));
    await failure(orders.apply(add("secret-item"), options));
    await failure(orders.apply(testCommands.Lock({}) as never, options));
    const details = { operation: "load", reasons: [], outcome: "not_applied" } as const;
    vi.spyOn(store, "loadTail").mockRejectedValueOnce(new ProtosourceError("unavailable", "secret", details));
    await failure(orders.load("secret-id"));
    vi.spyOn(store, "loadTail").mockRejectedValueOnce("secret");
    await failure(orders.load("secret-id"));
    expect(spans().map((span) => [(span as Record<string, unknown>)["error.type"], span.code])).toEqual([
      ["not_found", 0],
      ["not_created", 0],
      [undefined, 0],
      ["already_created", 0],
      ["ItemAlreadyThere", 2],
      ["unhandled_command", 2],
      ["unavailable", 2],
      ["_OTHER", 2],
    ]);
    const told = spanExporter.getFinishedSpans().map((span) => [span.name, span.attributes, span.status, span.events]);
    expect(JSON.stringify(told)).not.toContain("secret");
  });

  test("holds those of the store's requests", async () => {
    const client = { send: async () => ({ Items: [] }) } as unknown as DynamoDBClientLike;
    const onRequest = requestTelemetry({ tracer, meter });
    const opaqueStore = new DynamoDBOpaqueStore(client, { onRequest });
    const store = new DynamoDBStore(client, { opaqueStore, onRequest });
    const orders = new Repository(order, store, { observe: repositoryTelemetry({ tracer, meter }) });
    await tracer.startActiveSpan("http", async (span) => {
      await Promise.all([orders.apply(create, options), orders.apply(create, { ...options, id: "o-2" })]);
      span.end();
    });
    const finished = spanExporter.getFinishedSpans();
    const http = finished.find(({ name }) => name === "http");
    const applied = finished.filter(({ name }) => name === `apply ${ORDER}`);
    expect(applied.map((span) => span.parentSpanContext?.spanId)).toEqual(Array(2).fill(http?.spanContext().spanId));
    for (const span of applied) {
      const { spanId } = span.spanContext();
      const requests = finished.filter(({ parentSpanContext }) => parentSpanContext?.spanId === spanId);
      expect(requests.map(({ name }) => name)).toEqual([
        "Query events",
        "PutItem events",
        "PutItem aggregates",
        "PutItem aggregates",
      ]);
    }
  });
});

describe("the metrics of calls", () => {
  test("count what the spans tell, by operation and aggregate", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meters = new MeterProvider({ readers: [reader] });
    const observe = repositoryTelemetry({ meter: meters.getMeter("test") });
    const { orders, store, other } = scene({ observe, cache: new Map(), logger: { warn() {} } });
    vi.spyOn(store, "saveAggregate").mockRejectedValueOnce(new Error("throttled"));
    await orders.apply([create, tag("a")], options);
    raceBefore(store, () => other.apply(tag("b"), options));
    await orders.apply(tag("c"), options);
    await failure(orders.load("secret-other"));
    await orders.load("secret-id");

    const { resourceMetrics } = await reader.collect();
    await meters.shutdown();
    const apply = { "protosource.operation": "apply", "protosource.aggregate": ORDER };
    const load = { ...apply, "protosource.operation": "load" };
    const points = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ value, attributes }) => {
          const told = typeof value === "number" ? value : [value.count, descriptor.unit === "s" ? "" : value.sum];
          return [descriptor.name.replace("protosource.repository.", ""), attributes, told];
        }),
      ),
    );
    expect(points).toEqual([
      ["duration", apply, [2, ""]],
      ["duration", load, [2, ""]],
      ["replayed_events", apply, [1, 3]],
      ["replayed_events", load, [1, 4]],
      ["events", apply, 3],
      ["conflicts", apply, 1],
      ["retries", apply, 1],
      ["cache_hits", apply, 1],
      ["cache_misses", apply, 1],
      ["rows_failed", apply, 1],
      ["failures", { ...load, "error.type": "not_found" }, 1],
    ]);
    expect(spanExporter.getFinishedSpans()).toEqual([]);
  });
});

describe("an observer", () => {
  test("that is one's own is told the facts, and the call answers and fails as without it", async () => {
    const told: ObservedOperation[] = [];
    const { orders } = scene({
      observe: async (operation, run) => {
        try {
          return await run();
        } finally {
          told.push({ ...operation });
        }
      },
    });
    expect(await orders.apply(create, options)).toMatchObject({ version: 1n, skipped: false });
    expect(await failure(orders.apply(create, options))).toMatchObject({ code: "already_created" });
    expect(told).toMatchObject([
      { operation: "apply", aggregateType: ORDER, events: 1, decisions: 1, replayed: undefined },
      { operation: "apply", aggregateType: ORDER, events: 0, decisions: 1, replayed: 1 },
    ]);
  });

  test("of neither spans nor metrics changes nothing", async () => {
    const { orders } = scene({ observe: repositoryTelemetry({}) });
    expect(await orders.apply(create, options)).toMatchObject({ version: 1n });
  });
});
