/** What the bench asks of every store that it measures. */
import type { OrderEvent } from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";

/** What a read came to: how many events, and the version of the last. */
export interface Answer {
  readonly count: number;
  readonly last: number;
}

/** How a command is applied: to an aggregate that is read first or that is at hand, and what becomes of its rows. */
export interface ApplyMode {
  readonly warm: boolean;
  readonly materialize: "off" | "best-effort" | "transactional";
}

/** A store as an application would use it, with tables of its own. */
export interface Contender {
  /** Turns events into what is stored and appends them: the first has the version `from`, counted from 1. */
  append(id: string, from: number, events: readonly OrderEvent[]): Promise<void>;
  /** Whether an append is refused where there are events already. Others decide anew by themselves. */
  readonly refuses: boolean;
  /** Reads a stream as bytes; only stores that keep bytes can. */
  loadRecords?(id: string): Promise<Answer>;
  /** Reads a stream as events. */
  loadEvents(id: string): Promise<Answer>;
  /** Reads the last `n` events of a stream of `length`, as bytes where the store keeps bytes. */
  tail?(id: string, n: number, length: number): Promise<Answer>;
  /** Makes a function that sets an order's address by a command, and gives the version that comes of it. */
  applier?(mode: ApplyMode): (id: string, address: string) => Promise<number>;
  /** Writes the rows of all orders anew from their events, and gives the number of orders. */
  rebuild?(): Promise<number>;
}
