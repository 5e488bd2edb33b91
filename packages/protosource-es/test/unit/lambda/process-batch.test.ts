import { fromJsonString } from "@bufbuild/protobuf";
import { ProtosourceError, Repository } from "protosource-es";
import { type ProcessBatchOptions, processBatch, type SqsRecord } from "protosource-es/lambda";
import { MemoryStore } from "protosource-es/memory";
import { describe, expect, it } from "vitest";
import { AddItemSchema, CreateSchema, SetShippingSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import {
  defineOrder,
  type OrderCommand,
  type OrderRules,
  type OrderTypes,
} from "../../gen/example/app/order/v1/order_v1_protosource.js";

/** A message, as SQS has it. */
interface Message extends SqsRecord {
  readonly attributes: { readonly MessageGroupId?: string; readonly SenderId: string };
}

const SCHEMAS = { Create: CreateSchema, SetShipping: SetShippingSchema, AddItem: AddItemSchema };

function message(messageId: string, name: keyof typeof SCHEMAS, body: object, group?: string): Message {
  return {
    messageId,
    body: JSON.stringify({ name, command: JSON.stringify(body) }),
    attributes: { SenderId: "AIDAEXAMPLE", ...(group === undefined ? {} : { MessageGroupId: group }) },
  };
}

function toCommand({ body }: Message): OrderCommand {
  const { name, command } = JSON.parse(body) as { name: keyof typeof SCHEMAS; command: string };
  return fromJsonString(SCHEMAS[name], command);
}

/** A repository, and what is done with batches for it. */
function worker(rules: OrderRules = {}, options: Partial<ProcessBatchOptions<OrderTypes, Message>> = {}) {
  const repository = new Repository(defineOrder(rules), new MemoryStore());
  const refused: unknown[] = [];
  const logged: string[] = [];
  const process = async (Records: readonly Message[], remaining = 30_000): Promise<readonly string[]> => {
    const context = { getRemainingTimeInMillis: () => remaining };
    const { batchItemFailures } = await processBatch(repository, { Records }, context, {
      toCommand,
      onRefused: ({ messageId }, error) => {
        refused.push([messageId, (error as { code?: string }).code ?? (error as Error).name]);
      },
      logger: { warn: (text) => logged.push(text) },
      ...options,
    });
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  return { repository, refused, logged, process };
}

const unavailable = (): never => {
  throw new ProtosourceError("unavailable", "not now", { operation: "append", reasons: [], outcome: "not_applied" });
};

describe("a batch of messages", () => {
  it("is applied once, however often it comes", async () => {
    const { repository, process } = worker({}, { actor: ({ attributes }) => attributes.SenderId });
    const batch = [message("m1", "Create", { id: "o1" }), message("m2", "Create", { id: "o2" })];
    expect([await process(batch), await process(batch)]).toEqual([[], []]);
    expect((await repository.history("o1")).map(({ actor }) => actor)).toEqual(["AIDAEXAMPLE"]);
    expect(await process([message("m3", "SetShipping", { id: "o1", shippingAddress: "a" })])).toEqual([]);
    expect(await process([message("m3", "SetShipping", { id: "o1", shippingAddress: "a" })])).toEqual([]);
    expect((await repository.load("o1")).version).toBe(2n);
  });

  it("gives the hook what is refused for good, and says which messages come again", async () => {
    const { refused, logged, process } = worker({ guard: (_, { id }) => (id === "busy" ? unavailable() : undefined) });
    await process([message("m0", "Create", { id: "o1" })]);
    const failed = await process([
      message("m1", "Create", { id: "o1" }),
      message("m2", "SetShipping", { id: "o2", shippingAddress: "a" }),
      { ...message("m3", "Create", {}), body: "{ no JSON" },
      message("m4", "Create", { id: "o4" }),
      message("m5", "Create", { id: "busy" }),
    ]);
    expect(failed).toEqual(["m5"]);
    expect(refused.toSorted()).toEqual([
      ["m1", "already_created"],
      ["m2", "not_created"],
      ["m3", "SyntaxError"],
    ]);
    expect(logged).toEqual(["message m5 comes again"]);
  });

  it("comes again for an error of a rule's own, unless that refuses", async () => {
    class Closed extends Error {
      override readonly name = "Closed";
    }
    const guard = (): never => {
      throw new Closed("on Sundays");
    };
    const batch = [message("m1", "Create", { id: "o1" })];
    expect(await worker({ guard }).process(batch)).toEqual(["m1"]);
    const certain = worker({ guard }, { isRefusal: (error) => error instanceof Closed });
    expect([await certain.process(batch), certain.refused]).toEqual([[], [["m1", "Closed"]]]);
  });

  it("comes again where the hook fails, and where there is no time left", async () => {
    const onRefused = async (): Promise<void> => unavailable();
    expect(await worker({}, { onRefused }).process([message("m1", "SetShipping", { id: "o1" })])).toEqual(["m1"]);
    const guard = (_: unknown, __: unknown, { signal }: { readonly signal: AbortSignal | undefined }): Promise<void> =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
    const slow = worker({ guard }, { concurrency: 1 });
    const batch = [message("m1", "Create", { id: "o1" }), message("m2", "Create", { id: "o2" })];
    expect(await slow.process(batch, 20)).toEqual(["m1", "m2"]);
  });

  it("stops at the first failure of a group, and goes on behind what is refused for good", async () => {
    const { repository, refused, process } = worker({
      guard: (_, { id }) => (id === "busy" ? unavailable() : undefined),
    });
    const failed = await process([
      message("a1", "SetShipping", { id: "never", shippingAddress: "a" }, "a"),
      message("b1", "Create", { id: "busy" }, "b"),
      message("a2", "Create", { id: "o1" }, "a"),
      message("b2", "Create", { id: "o2" }, "b"),
      message("a3", "SetShipping", { id: "o1", shippingAddress: "a" }, "a"),
    ]);
    expect([failed, refused]).toEqual([["b1", "b2"], [["a1", "not_created"]]]);
    expect((await repository.load("o1")).version).toBe(2n);
    await expect(repository.load("o2")).rejects.toMatchObject({ code: "not_found" });
  });
});
