/** What becomes of writers that keep aggregates in mind, when an operator cuts the ends of streams behind their backs. */
import { isProtosourceError, Repository } from "protosource-es";
import type { DynamoDBStore } from "protosource-es/dynamodb";
import { type OrderTypes, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../order.js";

/** What was done, and what is wrong, in words. */
export interface CutVerdict {
  readonly cuts: number;
  readonly appends: number;
  readonly problems: readonly string[];
}

const QUIET = { warn(): void {} };

/**
 * Has writers keep orders in mind, cuts the ends of their streams through `direct`, and has all of them go on: what is
 * acknowledged behind a cut must be there, and no stream may have a hole.
 */
export async function writeBehindCuts(
  open: () => DynamoDBStore,
  direct: DynamoDBStore,
  streams: number,
  random: () => number,
): Promise<CutVerdict> {
  const writers = Array.from({ length: 3 }, () => {
    return new Repository<OrderTypes>(order, open(), { cache: new Map(), retries: 30, logger: QUIET });
  });
  let cuts = 0;
  let appends = 0;
  const problems: string[] = [];
  const tag = async (writer: Repository<OrderTypes>, id: string, key: string): Promise<boolean> => {
    try {
      await writer.apply(orderCommands.AddTag({ tag: { key } }), { id, actor: "soak" });
      return true;
    } catch (error) {
      if (!isProtosourceError(error, "unavailable") && !isProtosourceError(error, "version_conflict")) {
        problems.push(`${key} to ${id}: ${String(error)}`);
      }
      return false;
    }
  };

  async function runStream(number: number): Promise<void> {
    const id = `cut-${number}`;
    const stream = `example_app_order_v1#${id}`;
    const plain = new Repository<OrderTypes>(order, direct);
    await plain.apply(orderCommands.Create({}), { id, actor: "soak" });
    for (const [i, writer] of writers.entries()) await tag(writer, id, `before-${i}`);
    // A request that is late mustn't come behind the cut: that is what stopping the writers is for.
    const { records } = await direct.load(stream);
    const count = Math.min(records.length - 1, 1 + Math.floor(random() * 3));
    if (count === 0) return;
    await direct.cutDamagedEnd(stream, records.slice(-count));
    cuts++;
    const acknowledged = await Promise.all(writers.map((writer, i) => tag(writer, id, `behind-${i}`)));
    appends += acknowledged.filter(Boolean).length;
    const { tags } = await plain.load(id);
    for (const [i, isStored] of acknowledged.entries()) {
      if (isStored && tags[`behind-${i}`] === undefined) problems.push(`${id} lost behind-${i}`);
    }
  }

  for (let number = 0; number < streams; number++) {
    await runStream(number).catch((error: unknown) => problems.push(`cut-${number}: ${String(error)}`));
  }
  return { cuts, appends, problems };
}
