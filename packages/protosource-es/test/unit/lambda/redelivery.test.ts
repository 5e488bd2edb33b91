/** A queue whose messages come again, to workers that share an SQLite file: each command has its effect once. */
import { fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ProtosourceError, Repository } from "protosource-es";
import { processBatch, type SqsRecord } from "protosource-es/lambda";
import { SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AddTagSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { defineOrder, type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { type TestFolder, testFolder } from "../../integration/sqlite/drivers.js";

/** What becomes of one delivery of messages. */
interface Delivery {
  /** How many of the messages that wait are in it, at most. */
  readonly size: number;
  /** Whether the queue gets the answer. Without it all of them come again, as after a crash. */
  readonly answered: boolean;
  /** Whether the queue gives the batch to two workers at once, as a standard queue may. */
  readonly doubled: boolean;
  /** Which of the calls of the rules in it fail, as the service that they ask does. */
  readonly failing: readonly number[];
}

/** A message: which of the orders it is for, if any of them. */
type Sent = { readonly order: number } | "unreadable" | "for nobody";

const ORDERS = 3;

let folder: TestFolder;
/** Each of the workers has a connection to the file, and so a lock of its own. */
let workers: readonly Repository<OrderTypes>[];
let failing: readonly number[] = [];
let calls = 0;
beforeAll(() => {
  folder = testFolder();
  const order = defineOrder({
    guard() {
      if (!failing.includes(calls++)) return;
      throw new ProtosourceError("unavailable", "not now", { operation: "ask", reasons: [], outcome: "not_applied" });
    },
  });
  workers = [0, 1].map(
    () => new Repository(order, new SqliteStore(folder.open("orders.db", { synchronous: "NORMAL" })), { retries: 20 }),
  );
});
afterAll(() => folder.remove());

function recordOf(sent: Sent, run: number, position: number, isFifo: boolean): SqsRecord {
  const messageId = `m-${run}-${position}`;
  const id = typeof sent === "object" ? `o-${run}-${sent.order}` : `nobody-${run}`;
  return {
    messageId,
    body: sent === "unreadable" ? "{ no JSON" : JSON.stringify({ id, tag: { key: messageId } }),
    attributes: isFifo ? { MessageGroupId: id } : {},
  };
}

let runs = 0;

it("applies each message once, and in a queue with groups in their order, whatever fails and whatever is lost", async () => {
  const sent = fc.oneof(
    { weight: 6, arbitrary: fc.record({ order: fc.nat(ORDERS - 1) }) },
    { weight: 1, arbitrary: fc.constantFrom<Sent[]>("unreadable", "for nobody") },
  );
  const delivery = fc.record({
    size: fc.integer({ min: 1, max: 10 }),
    answered: fc.boolean(),
    doubled: fc.boolean(),
    failing: fc.uniqueArray(fc.nat(12), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(sent, { minLength: 1, maxLength: 12 }),
      fc.array(delivery, { maxLength: 5 }),
      fc.boolean(),
      async (messages, deliveries, isFifo) => {
        const run = runs++;
        const [first] = workers as [Repository<OrderTypes>];
        failing = [];
        for (let i = 0; i < ORDERS; i++) {
          await first.apply(orderCommands.Create({}), { id: `o-${run}-${i}`, actor: "ann" });
        }
        let waiting = messages.map((one, i) => recordOf(one, run, i, isFifo));
        const refused = new Set<string>();
        const last: Delivery = { size: messages.length, answered: true, doubled: false, failing: [] };
        for (const { size, answered, doubled, failing: planned } of [...deliveries, last]) {
          failing = planned;
          calls = 0;
          const Records = waiting.slice(0, size);
          // A queue gives a group to one worker at a time.
          const answers = await Promise.all(
            workers.slice(0, doubled && !isFifo ? 2 : 1).map((worker) => deal(worker, Records, refused)),
          );
          if (!answered) continue;
          const again = answers.at(-1) as ReadonlySet<string>;
          waiting = waiting.filter((record) => !Records.includes(record) || again.has(record.messageId));
        }
        expect(waiting).toEqual([]);

        const idsOf = (wanted: (one: Sent) => boolean): string[] =>
          messages.flatMap((one, i) => (wanted(one) ? [`m-${run}-${i}`] : []));
        expect([...refused].sort()).toEqual(idsOf((one) => typeof one === "string").sort());
        for (let i = 0; i < ORDERS; i++) {
          const history = await first.history(`o-${run}-${i}`);
          const applied = history.flatMap((event) => ("tag" in event ? [event.tag?.key] : []));
          const expected = idsOf((one) => typeof one === "object" && one.order === i);
          expect(isFifo ? applied : applied.toSorted()).toEqual(isFifo ? expected : expected.sort());
        }
      },
    ),
    { numRuns: 40 },
  );
});

async function deal(
  repository: Repository<OrderTypes>,
  Records: readonly SqsRecord[],
  refused: Set<string>,
): Promise<ReadonlySet<string>> {
  const context = { getRemainingTimeInMillis: () => 60_000 };
  const { batchItemFailures } = await processBatch(repository, { Records }, context, {
    toCommand: ({ body }) => fromJsonString(AddTagSchema, body),
    actor: () => "queue",
    onRefused: ({ messageId }) => void refused.add(messageId),
    logger: { warn: () => {} },
  });
  return new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
}
