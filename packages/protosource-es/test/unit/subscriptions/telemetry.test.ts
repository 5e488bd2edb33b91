/** What is told of subscriptions, with the real tracer and the real meter of OpenTelemetry. */
import { trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { Repository, type SaveMeta } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import {
  after,
  defineHandler,
  defineProcess,
  on,
  type Subscription,
  Subscriptions,
  subscriptionTelemetry,
} from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";

const ORDER = "example.app.order.v1.Order";
const STREAM = "example_app_order_v1#secret-id";
const [TRACE_ID, SPAN_ID] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
const TRACE = `00-${TRACE_ID}-${SPAN_ID}-01`;

const spanExporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
const tracer = provider.getTracer("test");

beforeAll(() => provider.register());
afterAll(() => trace.disable());
beforeEach(() => spanExporter.reset());

function scene(all: readonly Subscription[]) {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const orders: Repository<OrderTypes> = new Repository(order, store, { clock });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meter = new MeterProvider({ readers: [reader] }).getMeter("test");
  const open = () => new Subscriptions({ store, clock, all, ...subscriptionTelemetry({ tracer, meter }) });
  const place = (meta?: SaveMeta) =>
    orders.apply([orderCommands.Create({}), orderCommands.Place({})], { id: "secret-id", actor: "secret-actor", meta });
  const metrics = async (): Promise<Record<string, unknown>> => {
    const { resourceMetrics } = await reader.collect();
    const found = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    return Object.fromEntries(
      found.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ value, attributes }) => [
          [descriptor.name.replace("protosource.subscriptions.", ""), ...Object.values(attributes)].join(" "),
          typeof value === "object" ? { count: value.count, max: value.max } : value,
        ]),
      ),
    );
  };
  return { clock, store, orders, open, place, metrics };
}

const handling = (handle: () => unknown): Subscription =>
  defineHandler({ name: "all", tries: 2, from: [on(order, { Created: handle, Placed: handle })] });

describe("the span of a step", () => {
  test("has the handler's own spans within, and leads to the save", async () => {
    const { open, place } = scene([handling(() => tracer.startSpan("within").end())]);
    await place({ traceparent: TRACE });
    await open().catchUp();
    const spans = spanExporter.getFinishedSpans();
    const [first, second] = spans.filter(({ name }) => name === "handle all@1");
    expect(first).toMatchObject({
      kind: 4,
      attributes: { "protosource.subscription": "all@1", "protosource.aggregate": ORDER, "protosource.events": 2 },
      links: [{ context: { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1, isRemote: true } }],
    });
    expect(second).toMatchObject({ attributes: { "protosource.events": 1 } });
    const within = spans.filter(({ name }) => name === "within");
    expect(within.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      [first, second].map((span) => span?.spanContext().spanId),
    );
  });

  test.each(["", "00-1-2-3", `ff-${TRACE_ID}-${SPAN_ID}-01`, `00-${"0".repeat(32)}-${SPAN_ID}-01`])(
    "has no link where the trace is %j",
    async (traceparent) => {
      const { open, place } = scene([handling(() => undefined)]);
      await place({ traceparent });
      await open().catchUp();
      expect(spanExporter.getFinishedSpans().flatMap(({ links }) => links)).toEqual([]);
    },
  );

  test("says what a handler failed with, and neither ids nor data", async () => {
    const { open, place } = scene([
      handling(() => {
        throw new RangeError("secret-data");
      }),
    ]);
    await place();
    await open().catchUp();
    const spans = spanExporter.getFinishedSpans();
    expect(spans.at(-1)).toMatchObject({ status: { code: 2 }, attributes: { "error.type": "RangeError" } });
    expect(
      JSON.stringify(spans.map(({ name, attributes, status, events }) => [name, attributes, status, events])),
    ).not.toContain("secret");
  });

  test("is that of a timer as well", async () => {
    const waiting = defineProcess({
      name: "waiting",
      since: "beginning",
      from: [on(order, { Placed: () => after("over", { seconds: 1 }) })],
      timers: { over: () => undefined },
    });
    const { clock, open, place, metrics } = scene([waiting]);
    await place({ traceparent: TRACE });
    await open().catchUp();
    clock.advanceSeconds(4);
    await open().fireTimers();
    expect(spanExporter.getFinishedSpans().at(-1)).toMatchObject({
      name: "timer waiting@1",
      attributes: { "protosource.aggregate": ORDER },
      links: [{ context: { traceId: TRACE_ID } }],
    });
    const { "timer_lag waiting@1": lag } = await metrics();
    expect(lag).toEqual({ count: 1, max: expect.closeTo(3, 1) });
  });
});

describe("the metrics", () => {
  test("tell what was applied and when, what rang twice, what was read, and what an audit found", async () => {
    const { clock, open, place, metrics } = scene([handling(() => undefined)]);
    await place();
    clock.advanceSeconds(30);
    await open().audit();
    expect(await metrics()).not.toHaveProperty(["behind all@1"]);
    clock.advanceSeconds(60);
    await open().audit();
    const subscriptions = open();
    const bell = { streamId: STREAM, version: 2n, kind: "saved" } as const;
    await subscriptions.deliver([bell]);
    await subscriptions.deliver([bell]);
    expect(await metrics()).toEqual({
      "behind all@1": 1,
      "filled all@1": 3,
      "applied all@1": 2,
      "lag all@1": { count: 2, max: expect.closeTo(90, 1) },
      "duplicates all@1": 1,
    });
  });

  test("tell what was parked, and why", async () => {
    const { open, place, metrics } = scene([
      handling(() => {
        throw new RangeError("no");
      }),
    ]);
    await place();
    await open().catchUp();
    expect(await metrics()).toMatchObject({ "failures all@1 RangeError": 2, "parked all@1 RangeError": 1 });
  });

  test("tell of two workers at once", async () => {
    let meet = (): void => undefined;
    const met = new Promise<void>((resolve) => {
      meet = resolve;
    });
    let here = 0;
    const { open, place, metrics } = scene([
      handling(async () => {
        if (++here === 2) meet();
        await met;
      }),
    ]);
    await place();
    await Promise.all([open().catchUp(), open().catchUp()]);
    expect(await metrics()).toMatchObject({ "applied all@1": 2, "conflicts all@1 position_conflict": 1 });
  });
});

test("without a tracer and a meter, nothing is told and all is done", async () => {
  const { store, clock, place } = scene([]);
  await place();
  const all = [handling(() => undefined)];
  const report = await new Subscriptions({ store, clock, all, ...subscriptionTelemetry({}) }).catchUp();
  expect(report).toMatchObject({ handled: 2 });
});
