/**
 * The law of snapshots: whatever commands come, whatever the interval is and becomes, and wherever a process restarts,
 * the state is that of all events.
 */
import { equals } from "@bufbuild/protobuf";
import fc from "fast-check";
import { fold, isProtosourceError, Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { binarySerializer, jsonSerializer } from "protosource-es/serializer";
import { FakeClock } from "protosource-es/testing";
import { expect, test } from "vitest";
import { OrderSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import {
  type OrderAggregate,
  type OrderCommand,
  type OrderEvent,
  orderCommands,
} from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { ItemAlreadyThere, order } from "../../order.js";
import { redefined, setRole } from "../../redefine.js";

/** The order with each interval; 0 writes no snapshots. */
const definitions: readonly OrderAggregate[] = Array.from({ length: 8 }, (_, everyNEvents) =>
  redefined(order, (proto) => setRole(proto, "Snapshot", "snapshot", { everyNEvents })),
);

const key = fc.constantFrom("a", "b", "toString", "", "é#");
const command: fc.Arbitrary<OrderCommand> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        itemId: key,
        quantity: fc.integer({ min: -3, max: 3 }),
        priceCents: fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }),
      })
      .map((item) => orderCommands.AddItem({ item })),
  },
  { weight: 3, arbitrary: key.map((itemId) => orderCommands.RemoveItem({ itemId })) },
  { weight: 2, arbitrary: fc.record({ key, value: fc.string() }).map((tag) => orderCommands.AddTag({ tag })) },
  key.map((k) => orderCommands.RemoveTag({ key: k })),
  fc.string().map((shippingAddress) => orderCommands.SetShipping({ shippingAddress })),
  fc
    .option(fc.string(), { nil: undefined })
    .map((method) => orderCommands.SetBilling(method === undefined ? {} : { billing: { method } })),
  fc.constant(orderCommands.ClearBilling({})),
  fc.bigInt({ min: -10n, max: 10n }).map((placedAt) => orderCommands.Place({ placedAt })),
);

const step = fc.oneof(
  { weight: 8, arbitrary: fc.array(command, { minLength: 1, maxLength: 5 }).map((commands) => ({ commands })) },
  { weight: 1, arbitrary: fc.nat({ max: 7 }).map((interval) => ({ interval })) },
);

const options = { id: "o-1", actor: "ann" };

test("a state is that of all events", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 7 }),
      fc.boolean(),
      fc.constantFrom(binarySerializer, jsonSerializer),
      fc.array(step, { maxLength: 25 }),
      async (first, hasTails, serializer, steps) => {
        const clock = new FakeClock();
        const memory = new MemoryStore({ clock });
        const store = hasTails ? memory : { save: memory.save.bind(memory), load: memory.load.bind(memory) };
        let interval = first;
        // A new repository each time: nothing lives on but the store.
        const repository = () =>
          new Repository(definitions[interval] as OrderAggregate, store, { clock, serializer, materialize: "off" });

        const happened: OrderEvent[] = [];
        const { events: created } = await repository().apply(orderCommands.Create({ customerId: "c" }), options);
        happened.push(...created);
        for (const each of steps) {
          if ("interval" in each) interval = each.interval;
          else {
            clock.advanceSeconds(1);
            try {
              const { events, aggregate } = await repository().apply(each.commands, options);
              happened.push(...events);
              expect(equals(OrderSchema, aggregate, await repository().load("o-1"))).toBe(true);
            } catch (error) {
              if (!(error instanceof ItemAlreadyThere || isProtosourceError(error, "state_not_allowed"))) throw error;
            }
          }
          const loaded = await repository().load("o-1");
          const folded = fold(order, happened);
          // A snapshot at the end takes a version.
          expect(loaded.version - folded.version).toBeLessThanOrEqual(1n);
          folded.version = loaded.version;
          expect(equals(OrderSchema, loaded, folded)).toBe(true);
          expect(await repository().history("o-1")).toEqual(happened);
        }
      },
    ),
    { numRuns: 150 },
  );
});
