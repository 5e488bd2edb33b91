/** Given what happened in several streams, then these rows: tests of a read model, through the engine and in memory. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { AggregateTypes, Init } from "../aggregate/types.js";
import type { ReadModel } from "../subscriptions/define-read-model.js";
import { subscriptionId } from "../subscriptions/subscription.js";
import { type AnyOrderOptions, checkAnyOrder, playInOrder } from "./any-order.js";
import { diffExpected } from "./expect-rows.js";
import { failWith, mustExpect } from "./expectation.js";
import type { EventOptions } from "./given-aggregate.js";
import type { NamedRows } from "./play.js";
import { type HappenedEvent, happenedEvents, type StreamEvents } from "./stream-events.js";

/**
 * The rows that are expected, each with the fields that matter: by the one field of their key, or as a list of rows that
 * have all fields of their key.
 */
export type ExpectedRows<R extends Message> = Readonly<Record<string, Init<R>>> | readonly Init<R>[];

/** What is expected of a read model. */
export interface RowsExpectation<R extends Message> {
  /**
   * Expects exactly these rows, and of each the fields that are given. Await it: without that, a failure is a rejection
   * that nobody handles.
   */
  thenRows(rows: ExpectedRows<R>): Promise<void>;
}

/** A read model whose events have happened. */
export interface HappenedReadModel<R extends Message> extends RowsExpectation<R> {
  /** Has the events come in many other orders and batches too, and some twice: the rows must be the same each time. */
  inAnyOrder(options?: AnyOrderOptions): RowsExpectation<R>;
}

/** A read model without a past. */
export interface GivenReadModel<R extends Message> {
  /**
   * Lets events happen, in the order in which they are given. They are frozen: a handler that changes them fails with a
   * TypeError.
   */
  events<L extends readonly AggregateTypes[]>(
    ...streams: { readonly [I in keyof L]: StreamEvents<L[I]> }
  ): HappenedReadModel<R>;
}

/** Starts a test of a read model. */
export function givenReadModel<R extends Message>(model: ReadModel<R>, options: EventOptions): GivenReadModel<R> {
  return {
    events(...streams) {
      const happened = happenedEvents(model, streams, options);
      const advice = "add .thenRows({ … }), and await it";
      const asked = mustExpect("given(…).events(…)", advice);
      return {
        async thenRows(rows) {
          asked();
          await expectRows(model, happened, rows);
        },
        inAnyOrder(anyOrder = {}) {
          asked();
          const askedToo = mustExpect("given(…).events(…).inAnyOrder()", advice);
          return {
            async thenRows(rows) {
              askedToo();
              const found = await expectRows(model, happened, rows);
              await checkAnyOrder(model, happened, found, anyOrder);
            },
          };
        },
      };
    },
  };
}

async function expectRows(model: ReadModel, happened: readonly HappenedEvent[], expected: object): Promise<NamedRows> {
  const rows = await playInOrder(model, happened);
  failWith(
    `${subscriptionId(model)} has other rows than expected`,
    diffExpected(model.schema as DescMessage, rows, expected),
  );
  return rows;
}
