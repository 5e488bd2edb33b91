/** What is known of a save beside its events. */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { commandFor, isProtosourceError, metaOf, Repository, type SaveMeta } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";
import { redefined, setRole } from "../../redefine.js";

const creation = [orderCommands.Create({}), orderCommands.AddTag({ tag: { key: "a" } })];
const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const stream = (id: string): string => `example_app_order_v1#${id}`;

describe("a meta", () => {
  test("is kept with each event that a command writes, and not with snapshots", async () => {
    const store = new MemoryStore();
    const orders: Repository<OrderTypes> = new Repository(order, store);
    const meta: SaveMeta = {
      correlationId: "request 17",
      causation: { streamId: "example_app_test_v1#t-1", version: 3n },
      traceparent: TRACE,
    };
    await orders.apply(creation, { id: "o-1", actor: "ann", meta });
    await orders.apply(orderCommands.AddTag({ tag: { key: "b" } }), { id: "o-1", actor: "ann" });
    await orders.applyAll([commandFor(orders, creation, { id: "o-2" }), commandFor(orders, creation, { id: "o-3" })], {
      actor: "ann",
      meta: { correlationId: "request 18" },
    });
    const metas = async (id: string) => (await store.load(stream(id))).records.map(metaOf);
    expect(await metas("o-1")).toEqual([meta, meta, undefined]);
    const other = { correlationId: "request 18" };
    expect(await metas("o-2")).toEqual([other, other]);
    expect(await metas("o-3")).toEqual([other, other]);
    const everyTwo = redefined(order, (proto) => setRole(proto, "Snapshot", "snapshot", { everyNEvents: 2 }));
    await new Repository(everyTwo, store).apply(creation, { id: "o-4", actor: "ann", meta: other });
    expect(await metas("o-4")).toEqual([other, other, undefined]);
  });

  test.each<[SaveMeta, string]>([
    [{ correlationId: "x".repeat(255) }, "too_large"],
    [{ correlationId: 17 as unknown as string }, "invalid_argument"],
    [{ traceparent: "\ud800" }, "invalid_argument"],
    [{ causation: { streamId: "s", version: -1n } }, "invalid_argument"],
    [{ causation: { streamId: "s", version: 1 as unknown as bigint } }, "invalid_argument"],
  ])("that can't be kept is refused, and nothing is stored: %#", async (meta, code) => {
    const store = new MemoryStore();
    const error = await failure(new Repository(order, store).apply(creation, { id: "o-1", actor: "ann", meta }));
    expect(error).toMatchObject({ code });
    expect((await store.load(stream("o-1"))).records).toEqual([]);
  });

  test("of any bytes is read, or is corrupt_record", () => {
    const law = fc.property(fc.uint8Array(), (meta) => {
      try {
        metaOf(create(StoredRecordSchema, { version: 1n, meta }));
      } catch (error) {
        expect(isProtosourceError(error, "corrupt_record")).toBe(true);
      }
    });
    fc.assert(law);
  });
});
