import { defineReadModel, on, type RowContext } from "protosource-es/subscriptions";
import { given } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { SettingSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { type CustomerSales, CustomerSalesSchema } from "../../gen/example/app/sales/v1/sales_v1_pb.js";
import { testEvents } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";
import { unhandledRejection } from "../../rejection.js";
import { sales, testAggregate } from "../../subscriptions/sales.js";

const created = orderEvents.Created({ customerId: "c-9", customerName: "north" });
const lampAdded = orderEvents.ItemAdded({ item: { itemId: "i-1", priceCents: 1250n, quantity: 1 } });
const placed = orderEvents.Placed({});
const tested = testEvents.Created({ body: "c-9" });

/** A read model of what tests say of customers. Orders say the region. */
function regions(handlers: {
  readonly created?: (region: string, row: CustomerSales) => void;
  readonly tested?: (row: CustomerSales) => void;
}) {
  return defineReadModel(CustomerSalesSchema, {
    name: "regions",
    version: 1,
    from: [
      on(order, {
        Created: ({ customerId, customerName }, { row }: RowContext<CustomerSales>) =>
          row(customerId, (sales) => handlers.created?.(customerName, sales)),
      }),
      on(testAggregate, {
        Created: ({ body }, { row }: RowContext<CustomerSales>) => row(body, (sales) => handlers.tested?.(sales)),
      }),
    ],
  });
}

describe("given events, then rows", () => {
  test("compares the fields that are given of all rows", async () => {
    const happened = given(sales()).events(
      [order, "o-1", created, lampAdded, placed],
      [order, "o-2", orderEvents.Created({ customerId: "c-8" })],
      [testAggregate, "t-1", tested],
    );
    await happened.thenRows({ "c-9": { orders: 1n, totalCents: 1250n, testEvents: 1n }, "c-8": { placed: 0n } });
    await happened.thenRows([{ customerId: "c-8" }, { customerId: "c-9", items: 1n }]);
    expect(
      await failure(happened.thenRows({ "c-9": { orders: 2n, region: "south" }, "c-7": { orders: 1n } })),
    ).toHaveProperty(
      "message",
      [
        "sales@1 has other rows than expected:",
        "c-9: orders: expected 2n, got 1n",
        'c-9: region: expected "south", got "north"',
        "c-7: expected a row, got none",
        'c-8: expected no row, got CustomerSales {"customerId":"c-8","orders":"1"}',
      ].join("\n  "),
    );
    await given(sales()).events().thenRows({});
  });

  test("fills in ids, versions, times and actors, in the order in which events are given", async () => {
    const seen: unknown[] = [];
    const model = defineReadModel(CustomerSalesSchema, {
      name: "seen",
      version: 1,
      from: [
        on(order, {
          Created: (event, { id, version, at, actor }) => void seen.push([id, event.id, version, at, actor]),
          Placed: (_, { id, version, actor }) => void seen.push([id, version, actor]),
        }),
      ],
    });
    const first = orderEvents.Created({ at: 5n });
    await given(model, { actor: "ann" })
      .events([order, "o-1", first], [order, "o-2", first], [order, "o-1", orderEvents.Placed({ actor: "bob" })])
      .thenRows({});
    expect(seen.slice(0, 3)).toEqual([
      ["o-1", "o-1", 1n, 5n, "ann"],
      ["o-2", "o-2", 1n, 5n, "ann"],
      ["o-1", 2n, "bob"],
    ]);
    expect(first).toMatchObject({ id: "", version: 0n });
  });

  test("names rows of a key of several fields by all of them", async () => {
    const model = defineReadModel(SettingSchema, {
      name: "settings",
      version: 1,
      from: [
        on(testAggregate, {
          Created: ({ body }, { id, version, row }) =>
            row({ scope: id, name: body, revision: version }, (setting) => {
              setting.value = "made";
            }),
        }),
      ],
    });
    const happened = given(model).events([testAggregate, "t-1", testEvents.Created({ body: "b" })]);
    const key = { scope: "t-1", name: "b", revision: 1n };
    await happened.thenRows([{ ...key, value: "made" }]);
    await expect(happened.thenRows([])).rejects.toThrow(
      '{"scope":"t-1","name":"b","revision":"1"}: expected no row, got Setting',
    );
    await expect(happened.thenRows({ "t-1": {} })).rejects.toThrow(
      "a row of Setting is named by scope, name, revision: give a list of rows that have these fields",
    );
    await expect(happened.thenRows([{ scope: "t-1", name: "b" }])).rejects.toThrow("expected without its revision");
    await expect(happened.thenRows([key, key])).rejects.toThrow("is expected twice");
  });
});

describe("given events in any order", () => {
  test("passes for a read model that doesn't ask for their order", async () => {
    await given(sales())
      .events(
        [order, "o-1", created, lampAdded, placed],
        [order, "o-2", created, lampAdded],
        [testAggregate, "t-1", tested, testEvents.Updated({ body: "c-9" })],
      )
      .inAnyOrder({ runs: 50, seed: 3 })
      .thenRows({ "c-9": { orders: 2n, items: 2n, placed: 1n, testEvents: 2n } });
  });

  test("shows the two orders that make other rows, with two events that have changed places", async () => {
    const model = regions({
      created: (region, row) => {
        if (row.testEvents === 0n) row.region = region;
      },
      tested: (row) => {
        row.testEvents += 1n;
      },
    });
    const happened = given(model).events(
      [order, "o-1", created, placed],
      [order, "o-2", orderEvents.Created({ customerId: "c-8" })],
      [testAggregate, "t-1", tested],
    );
    await happened.thenRows({ "c-9": { region: "north" }, "c-8": {} });
    const error = await failure(happened.inAnyOrder().thenRows({ "c-9": { region: "north" }, "c-8": {} }));
    expect((error as Error).message).toMatch(
      /^the rows of regions@1 depend on the order in which streams come \(run \d+ of seed 1\):\n {2}first: .*\n {2}second: .*\n {2}c-9: region: expected "north", got ""$/,
    );
    const [, first = "", second = ""] = (error as Error).message.split("\n").map((line) => line.slice(10).split(", "));
    expect([...second].sort()).toEqual([...first].sort());
    const i = first.indexOf("o-1 Created");
    expect([first[i + 1], second[i], second[i + 1]]).toEqual(["t-1 Created", "t-1 Created", "o-1 Created"]);
  });

  test("the same seed tries the same orders", async () => {
    const model = regions({
      created: (region, row) => {
        row.region = region;
      },
    });
    const happened = given(model).events(
      [order, "o-1", created],
      [order, "o-2", orderEvents.Created({ customerId: "c-9", customerName: "south" })],
    );
    const failures = await Promise.all(
      [7, 7].map((seed) => failure(happened.inAnyOrder({ seed }).thenRows({ "c-9": { region: "south" } }))),
    );
    expect(failures[0]).toEqual(failures[1]);
    expect(String(failures[0])).toContain("of seed 7");
  });
});

describe("handlers that aren't pure", () => {
  const happened = (handlers: Parameters<typeof regions>[0]) =>
    given(regions(handlers)).events([order, "o-1", created], [testAggregate, "t-1", tested]);

  test("a handler that keeps something to itself gives other rows the second time", async () => {
    let count = 0n;
    const tested = (row: CustomerSales): void => {
      row.orders = ++count;
    };
    expect(await failure(happened({ tested }).thenRows({ "c-9": { orders: 1n } }))).toHaveProperty(
      "message",
      [
        "the same events in the same order give regions@1 other rows the second time: let its handlers look at the event, the memo and the rows alone:",
        "c-9: orders: expected 1n, got 2n",
      ].join("\n  "),
    );
  });

  test("a handler that counts batches gives other rows in other batches", async () => {
    let seen = new Set<object>();
    const model = defineReadModel(CustomerSalesSchema, {
      name: "batches",
      version: 1,
      from: [
        on(order, {
          memo: () => ({}),
          Created: ({ customerId }, { row, memo }) => {
            seen = new Set([memo]);
            row(customerId, () => undefined);
          },
          Placed: (_, { row, memo }) =>
            row("c-9", (sales) => {
              if (seen.has(memo)) sales.placed += 1n;
            }),
        }),
      ],
    });
    const happened = given(model).events([order, "o-1", created, placed]);
    await happened.thenRows({ "c-9": { placed: 0n } });
    await expect(happened.inAnyOrder().thenRows({ "c-9": {} })).rejects.toThrow(
      /other rows in other batches, in run \d+/,
    );
  });

  test("a handler that changes the event fails, and the event is named", async () => {
    const model = defineReadModel(CustomerSalesSchema, {
      name: "greedy",
      version: 1,
      from: [
        on(order, {
          ItemAdded: ({ item }) => {
            if (item !== undefined) item.quantity = 5;
          },
        }),
      ],
    });
    const error = await failure(given(model).events([order, "o-1", created, lampAdded]).thenRows({}));
    expect(error).toMatchObject({ cause: expect.any(TypeError) });
    expect(String(error)).toContain("o-1 ItemAdded can't be handled: TypeError");
  });

  test("an asynchronous handler fails", async () => {
    const model = defineReadModel(CustomerSalesSchema, {
      name: "slow",
      version: 1,
      from: [on(order, { Created: async () => undefined } as object)],
    });
    await expect(given(model).events([order, "o-1", created]).thenRows({})).rejects.toThrow(
      "o-1 Created can't be handled: ProtosourceError: [invalid_argument] a handler of slow is asynchronous",
    );
  });
});

describe("misuse", () => {
  test("an event of an aggregate that the read model doesn't follow, or of another id", () => {
    const model = defineReadModel(CustomerSalesSchema, { name: "orders", version: 1, from: [on(order, {})] });
    expect(() => given(model).events([testAggregate, "t-1", tested])).toThrow(
      "orders gets no events of Test: give those of Order",
    );
    expect(() => given(model).events([order, "o-1", orderEvents.Placed({ id: "o-2" })])).toThrow("has the id o-2");
  });

  test("events that nothing is expected of reject, so that the run fails", async () => {
    expect(await unhandledRejection(() => given(sales()).events([order, "o-1", created]))).toContain(
      "given(…).events(…) expects nothing: add .thenRows({ … })",
    );
    expect(await unhandledRejection(() => given(sales()).events([order, "o-1", created]).inAnyOrder())).toContain(
      ".inAnyOrder() expects nothing",
    );
  });

  test("an expectation that nobody awaits rejects, so that the run fails", async () => {
    const forgotten = (): void => {
      void given(sales()).events([order, "o-1", created]).thenRows({});
    };
    expect(await unhandledRejection(forgotten)).toContain("c-9: expected no row");
  });
});
