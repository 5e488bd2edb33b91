/** What the compiler must know of a test of read models and processes. Checked by `npm run check:types`; nothing here runs. */
import type { Repository } from "protosource-es";
import { after, type Process, type ReadModel, send } from "protosource-es/subscriptions";
import { type GivenProcess, type GivenReadModel, given } from "protosource-es/testing";
import { expectTypeOf } from "vitest";
import { orderCommands, orderEvents } from "../gen/example/app/order/v1/order_v1_protosource.js";
import type { CustomerSales } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import { type TestTypes, testCommands, testEvents } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";
import { testAggregate } from "../subscriptions/sales.js";

const created = orderEvents.Created({});
const locked = testEvents.Locked({});

// A read model is given the events of several aggregates, and its rows are known.
declare const sales: ReadModel<CustomerSales>;
expectTypeOf(given(sales)).toEqualTypeOf<GivenReadModel<CustomerSales>>();
const happened = given(sales, { actor: "ann" }).events(
  [order, "o-1", created, created],
  [testAggregate, "t-1", locked],
);
void happened.thenRows({ "c-9": { orders: 1n } });
void happened.inAnyOrder({ runs: 5, seed: 1 }).thenRows([{ customerId: "c-9", orders: 1n }]);
// @ts-expect-error: int64 is bigint
void happened.thenRows({ "c-9": { orders: 1 } });
// @ts-expect-error: the row has no such field
void happened.thenRows({ "c-9": { nights: 1n } });
// @ts-expect-error: another aggregate's event
given(sales).events([order, "o-1", locked]);
// @ts-expect-error: a command is no event
given(sales).events([order, "o-1", created], [testAggregate, "t-1", testCommands.Lock({})]);
// @ts-expect-error: events are of one id
given(sales).events([order, created]);

// A process is given events, and answers with commands and timers.
declare const process: Process;
declare const tests: Repository<TestTypes>;
expectTypeOf(given(process)).toEqualTypeOf<GivenProcess>();
const answer = given(process)
  .events([order, "o-1", created], [testAggregate, "t-1", locked])
  .when([order, "o-1", orderEvents.Placed({})]);
void answer.then([send(tests, testCommands.Lock({}), { id: "t-1" }), after("unpaid", { days: 2 })]);
void given(process).whenTimer("unpaid", "o-1").thenNothing();
// @ts-expect-error: another aggregate's event
given(process).when([order, "o-1", locked]);
// @ts-expect-error: another aggregate's command
void answer.then([send(tests, orderCommands.Place({}))]);
// @ts-expect-error: a command is sent by a repository
void answer.then([testCommands.Lock({})]);
// @ts-expect-error: a process has no rows
given(process).events([order, "o-1", created]).thenRows({});
