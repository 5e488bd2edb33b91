/** Whether the rows of a read model are the same in whatever order its streams come. */
import type { DescMessage } from "@bufbuild/protobuf";
import { randomNumbers } from "../faults/random-numbers.js";
import type { ReadModel } from "../subscriptions/define-read-model.js";
import { subscriptionId } from "../subscriptions/subscription.js";
import { diffRows } from "./expect-rows.js";
import { failWith } from "./expectation.js";
import { type Batch, type NamedRows, play } from "./play.js";
import { type HappenedEvent, showEvent } from "./stream-events.js";

export interface AnyOrderOptions {
  /** How many orders are tried. 100 by default. */
  readonly runs?: number | undefined;
  /** What the orders follow from, so that a failure can be seen again. 1 by default. */
  readonly seed?: number | undefined;
}

/** Plays events one by one, in their order. Fails when a second time gives other rows. */
export async function playInOrder(model: ReadModel, order: readonly HappenedEvent[]): Promise<NamedRows> {
  const rows = await play(model, oneByOne(order));
  await expectSame(model, rows, await play(model, oneByOne(order)), "the second time");
  return rows;
}

/**
 * Plays events in orders by chance, in which those of a stream keep theirs: cut into batches, and with doorbells that
 * ring twice. Fails when that gives other rows than `rows`, which `order` has given.
 */
export async function checkAnyOrder(
  model: ReadModel,
  order: readonly HappenedEvent[],
  rows: NamedRows,
  { runs = 100, seed = 1 }: AnyOrderOptions,
): Promise<void> {
  for (let run = 1; run <= runs; run++) {
    const random = randomNumbers(`order ${seed} ${run}`);
    const other = shuffledStreams(order, random);
    const where = `run ${run} of seed ${seed}`;
    const got = await play(model, inBatches(other, random), random);
    if (diffRows(schemaOf(model), got, rows).length === 0) continue;
    await failForOrder(model, order, other, rows, where);
    await expectSame(model, rows, got, `in other batches, in ${where}`);
  }
}

/** Fails with the two orders that differ least: two events have changed places. */
async function failForOrder(
  model: ReadModel,
  from: readonly HappenedEvent[],
  to: readonly HappenedEvent[],
  rows: NamedRows,
  where: string,
): Promise<void> {
  let first = { order: from, rows };
  for (const order of neighbours(from, to)) {
    const second = { order, rows: await play(model, oneByOne(order)) };
    failWith(
      `the rows of ${subscriptionId(model)} depend on the order in which streams come (${where})`,
      withOrders(first.order, second.order, diffRows(schemaOf(model), second.rows, first.rows)),
    );
    first = second;
  }
}

function withOrders(
  first: readonly HappenedEvent[],
  second: readonly HappenedEvent[],
  differences: readonly string[],
): readonly string[] {
  if (differences.length === 0) return [];
  const show = (order: readonly HappenedEvent[]): string => order.map(showEvent).join(", ");
  return [`first:  ${show(first)}`, `second: ${show(second)}`, ...differences];
}

async function expectSame(model: ReadModel, rows: NamedRows, again: NamedRows, when: string): Promise<void> {
  failWith(
    `the same events in the same order give ${subscriptionId(model)} other rows ${when}: let its handlers look at the event, the memo and the rows alone`,
    diffRows(schemaOf(model), again, rows),
  );
}

/** Gives the orders on the way from one to another, each with two events that have changed places. */
function* neighbours(
  from: readonly HappenedEvent[],
  to: readonly HappenedEvent[],
): Generator<readonly HappenedEvent[], void, undefined> {
  const order = [...from];
  for (const [place, event] of to.entries()) {
    for (let i = order.indexOf(event); i > place; i--) {
      order.splice(i - 1, 2, event, order[i - 1] as HappenedEvent);
      yield [...order];
    }
  }
}

function shuffledStreams(order: readonly HappenedEvent[], random: () => number): readonly HappenedEvent[] {
  const left = new Map<string, HappenedEvent[]>();
  for (const event of order) left.set(event.streamId, [...(left.get(event.streamId) ?? []), event]);
  const places = order.map(({ streamId }) => streamId);
  return order.flatMap(() => {
    const [streamId = ""] = places.splice(Math.floor(random() * places.length), 1);
    return left.get(streamId)?.shift() ?? [];
  });
}

function oneByOne(order: readonly HappenedEvent[]): readonly Batch[] {
  return order.map((event) => [event]);
}

/** Saves some of the events of a stream that follow each other at once. */
function inBatches(order: readonly HappenedEvent[], random: () => number): readonly Batch[] {
  const batches: [HappenedEvent, ...HappenedEvent[]][] = [];
  for (const event of order) {
    const last = batches.at(-1);
    if (last?.[0].streamId === event.streamId && random() < 0.5) last.push(event);
    else batches.push([event]);
  }
  return batches;
}

function schemaOf({ schema }: ReadModel): DescMessage {
  return schema as DescMessage;
}
