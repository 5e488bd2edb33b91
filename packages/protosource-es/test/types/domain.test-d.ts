/** What the compiler must know of a domain. Checked by `npm run check:types`; nothing here runs. */
import type { Message } from "@bufbuild/protobuf";
import {
  type AggregateStore,
  type Applied,
  applyEvent,
  commandSchema,
  type Decision,
  decide,
  type Evaluate,
  type Evaluations,
  fold,
  type Outcome,
  Repository,
  type SnapshotTailStore,
  type Store,
} from "protosource-es";
import type { Aggregate, CommandOf, EventOf, Rules } from "protosource-es/codegenv1";
import { MemoryStore } from "protosource-es/memory";
import { given } from "protosource-es/testing";
import { expectTypeOf } from "vitest";
import {
  type Create,
  type ItemAdded,
  type Order,
  type OrderSummary,
  type Placed,
  State,
} from "../gen/example/app/order/v1/order_v1_pb.js";
import {
  defineOrder,
  type OrderQueries,
  type OrderTypes,
  orderCommands,
  orderEvents,
} from "../gen/example/app/order/v1/order_v1_protosource.js";
import { testCommands, testEvents } from "../gen/example/app/test/v1/test_v1_protosource.js";

// What the generated file defines.
const order: Aggregate<OrderTypes> = defineOrder();
expectTypeOf(defineOrder).parameter(0).toEqualTypeOf<Rules<OrderTypes> | undefined>();
expectTypeOf<Create>().toExtend<CommandOf<OrderTypes>>();
expectTypeOf<EventOf<OrderTypes>>().toExtend<Message>();

// A repository is one of an aggregate, on any store, under a token of its own.
declare const store: Store;
declare const fullStore: Store & SnapshotTailStore & AggregateStore;
class Orders extends Repository<OrderTypes> {}
const orders: Repository<OrderTypes> = new Orders(order, store);
new Repository(order, fullStore);
new Repository(order, new MemoryStore(), { newId: () => "1", materialize: "transactional", retries: 0 });
// @ts-expect-error: there is no such mode
new Repository(order, store, { materialize: "sometimes" });
// @ts-expect-error: a store saves and loads
new Repository(order, {});

// The result has the events of the command, or of all commands.
const add = orderCommands.AddItem({ item: { itemId: "i", priceCents: 1n } });
const place = orderCommands.Place({});
expectTypeOf(orders.apply(add)).toEqualTypeOf<Promise<Applied<Order, ItemAdded>>>();
expectTypeOf(orders.apply([add, place])).toEqualTypeOf<Promise<Applied<Order, ItemAdded | Placed>>>();
expectTypeOf(orders.load("o-1")).toEqualTypeOf<Promise<Order>>();
expectTypeOf(orders.history("o-1")).toEqualTypeOf<Promise<readonly EventOf<OrderTypes>[]>>();
expectTypeOf(fold(order, [])).toEqualTypeOf<Order>();
void orders.save("o-1", [orderEvents.Placed({})]);

// @ts-expect-error: an event is no command
void orders.apply(orderEvents.Placed({}));
// @ts-expect-error: another aggregate's command
void orders.apply(testCommands.Lock({}));
// @ts-expect-error: another aggregate's event
void orders.save("t-1", [testEvents.Locked({})]);
// @ts-expect-error: int64 is bigint
void orders.apply(orderCommands.Place({ placedAt: 5 }));
// @ts-expect-error: versions are bigint
void orders.apply(place, { expectedVersion: 1 });

// A missing claim isn't an actor, and a missing path parameter isn't an id.
declare const claims: { readonly userId?: string };
// @ts-expect-error: it may be undefined
void orders.apply(place, { actor: claims.userId });
// @ts-expect-error: it may be undefined
void orders.apply(place, { id: claims.userId });

// A command by name is one of the aggregate's.
const schema = commandSchema(order, "AddItem");
expectTypeOf(schema?.typeName).toExtend<string | undefined>();

// Rules know their command, and answer with its own events only.
defineOrder({
  evaluate: {
    AddItem(order, command, { now, signal }) {
      expectTypeOf(order).toEqualTypeOf<Order>();
      expectTypeOf(command.item?.priceCents).toEqualTypeOf<bigint | undefined>();
      expectTypeOf(now).toEqualTypeOf<bigint>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal | undefined>();
      return "proceed";
    },
    Place: (_order, _command, { now }) => ({ proceed: { Placed: { placedAt: now } } }),
    Cancel: async (order) => (order.state === State.PAID ? "skip" : "proceed"),
    SetBilling: () => ({ proceed: { BillingSet: { billing: undefined } } }),
    SetShipping: async () => "proceed",
    async AddTag(order, { tag }, { signal }) {
      expectTypeOf(order).toEqualTypeOf<Order>();
      expectTypeOf(tag?.key).toEqualTypeOf<string | undefined>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal | undefined>();
      return "skip";
    },
    RemoveTag: async () => ({ proceed: {} }),
  },
  guard(order, command) {
    expectTypeOf(command).toEqualTypeOf<CommandOf<OrderTypes>>();
    if (order.state === State.CANCELLED) throw new Error(command.actor);
  },
  afterOn(order) {
    order.itemCount = Object.keys(order.items).length;
  },
});
defineOrder({ guard: async () => {} });
// @ts-expect-error: an answer is compulsory
defineOrder({ evaluate: { Place: () => {} } });
// @ts-expect-error: an asynchronous one too
defineOrder({ evaluate: { Place: async () => {} } });
// @ts-expect-error: there is no such answer
defineOrder({ evaluate: { Place: () => "maybe" } });
// @ts-expect-error: nor an asynchronous one
defineOrder({ evaluate: { Place: async () => "maybe" } });
// @ts-expect-error: there is no such command
defineOrder({ evaluate: { Return: () => "skip" } });
// @ts-expect-error: Place doesn't emit Cancelled
defineOrder({ evaluate: { Place: () => ({ proceed: { Cancelled: { reason: "no" } } }) } });
// @ts-expect-error: nor later
defineOrder({ evaluate: { Place: async () => ({ proceed: { Cancelled: { reason: "no" } } }) } });
// @ts-expect-error: Placed has no such field
defineOrder({ evaluate: { Place: () => ({ proceed: { Placed: { place: 1n } } }) } });
// @ts-expect-error: the framework fills in versions
defineOrder({ evaluate: { Place: () => ({ proceed: { Placed: { version: 1n } } }) } });

// On demand, every command needs a rule.
// @ts-expect-error: rules for the other commands are missing
export const evaluations: Required<Evaluations<OrderTypes>> = { Place: () => "proceed" };

// A rule can be declared apart from the others, and called.
export const placing: Evaluate<OrderTypes, "Place"> = async (_order, { placedAt }) =>
  placedAt > 0n ? "proceed" : "skip";
expectTypeOf(placing).parameter(0).toEqualTypeOf<Order>();
expectTypeOf(placing({} as Order, place, { now: 1n, signal: undefined })).toExtend<Decision | Promise<Decision>>();

// Pure functions.
declare const state: Order;
const context = { now: 1n, signal: undefined };
expectTypeOf(decide(order, state, add, context)).toEqualTypeOf<Outcome<OrderTypes> | Promise<Outcome<OrderTypes>>>();
// @ts-expect-error: another aggregate's command
void decide(order, state, testCommands.Lock({}), context);
// @ts-expect-error: another aggregate's state
applyEvent(order, testEvents.Locked({}), orderEvents.Placed({}));
expectTypeOf<"proceed">().toExtend<Decision>();

// The test kit.
const test = given(order, [orderEvents.Created({ customerId: "c" })]);
test.then({ totalCents: 1n, items: { i: { itemId: "i" } } });
test.thenProjection("OrderSummary", { itemCount: 1 } satisfies Partial<OrderSummary>);
void test.when(add).then([orderEvents.ItemAdded({})]);
void test.when(add).thenRefused("validation_failed");
void test.when(add).thenRefused(RangeError);
// @ts-expect-error: another aggregate's event
given(order, [testEvents.Locked({})]);
// @ts-expect-error: another aggregate's command
test.when(testCommands.Lock({}));
// @ts-expect-error: there is no such field
test.then({ total: 1n });
// @ts-expect-error: there is no such projection
test.thenProjection("Summary", {});
// @ts-expect-error: there is no such code
void test.when(add).thenRefused("refused");

// Generated queries.
declare const queries: OrderQueries;
void queries.selectByCustomerId("c-9", { createAt: { between: [1n, 2n] }, limit: 3, reverse: true });
// @ts-expect-error: one comparison at a time
void queries.selectByCustomerId("c-9", { createAt: { gt: 1n, lt: 2n } });
// @ts-expect-error: a number has no beginning
void queries.selectByCustomerId("c-9", { createAt: { beginsWith: "1" } });
