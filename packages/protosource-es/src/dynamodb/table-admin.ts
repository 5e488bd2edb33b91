/** The calls that describe and change one table. */
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type TableDescription,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  type UpdateTableCommandInput,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { asError, isProtosourceError, ProtosourceError } from "../errors.js";
import { sleep } from "../signals.js";
import type { DynamoDBAdminClientLike, SendOptions } from "./dynamodb-client.js";
import { createSender } from "./sending.js";
import { answerWith } from "./usable-answer.js";

/** One table, as an administrator sees it. Each call throws what {@link createSender}'s calls throw. */
export interface TableAdmin {
  /** Describes the table; undefined when it doesn't exist. */
  describe(): Promise<TableDescription | undefined>;
  /** Makes the table; false when another caller was surely faster. */
  create(input: CreateTableCommandInput): Promise<boolean>;
  /** Waits until the table and its indexes can be used. Throws `unavailable` when that takes too long. */
  active(): Promise<TableDescription>;
  /** Changes the table, and waits. */
  update(change: Omit<UpdateTableCommandInput, "TableName">): Promise<void>;
  /** Tells where TTL stands: `on <attribute>` or `off`. */
  ttl(): Promise<string>;
  enableTtl(attribute: string): Promise<void>;
  /** Tells where point-in-time recovery stands: `on` or `off`. */
  recovery(): Promise<string>;
  enableRecovery(): Promise<void>;
}

const POLL_MS = 250;

/** Makes the calls for one table. */
export function tableAdmin(
  client: DynamoDBAdminClientLike,
  table: string,
  waitMs: number,
  signal: AbortSignal | undefined,
): TableAdmin {
  const sender = createSender({});
  const send = async <O extends object>(
    operation: string,
    call: (options: SendOptions) => Promise<O>,
  ): Promise<O | undefined> => {
    const { output } = await sender(operation, table, signal, (_, { abortSignal }) => call({ abortSignal }));
    return output;
  };
  const TableName = table;

  const admin: TableAdmin = {
    async describe() {
      try {
        const output = await send("DescribeTable", async (o) =>
          answerWith(await client.send(new DescribeTableCommand({ TableName }), o), "Table"),
        );
        return output?.Table;
      } catch (error) {
        if (isProtosourceError(error, "table_missing")) return undefined;
        throw error;
      }
    },

    async create(input) {
      try {
        await send("CreateTable", (o) => client.send(new CreateTableCommand(input), o));
        return true;
      } catch (error) {
        if (asError(asError(error).cause).name !== "ResourceInUseException") throw error;
        // After an attempt that wasn't answered, the table may be the one that this call made.
        return isProtosourceError(error, "unavailable");
      }
    },

    async active() {
      const end = performance.now() + waitMs;
      for (;;) {
        const found = await admin.describe();
        const states = [found?.TableStatus, ...(found?.GlobalSecondaryIndexes ?? []).map((i) => i.IndexStatus)];
        if (found && states.every((state) => state === "ACTIVE")) return found;
        if (performance.now() > end) {
          throw new ProtosourceError(
            "unavailable",
            `the table ${table} isn't active after ${waitMs} ms: call ensureTables again later`,
            { operation: "DescribeTable", reasons: [...new Set(states.map(String))], outcome: "not_applied" },
          );
        }
        await sleep(POLL_MS, signal);
      }
    },

    async update(change) {
      await send("UpdateTable", (o) => client.send(new UpdateTableCommand({ ...change, TableName }), o));
      await admin.active();
    },

    async ttl() {
      const output = await send("DescribeTimeToLive", async (o) =>
        answerWith(await client.send(new DescribeTimeToLiveCommand({ TableName }), o), "TimeToLiveDescription"),
      );
      const { TimeToLiveStatus, AttributeName } = output?.TimeToLiveDescription ?? {};
      return TimeToLiveStatus === "ENABLED" || TimeToLiveStatus === "ENABLING" ? `on ${AttributeName}` : "off";
    },

    async enableTtl(AttributeName) {
      const TimeToLiveSpecification = { AttributeName, Enabled: true };
      await unlessDone(
        () =>
          send("UpdateTimeToLive", (o) =>
            client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }), o),
          ),
        async () => (await admin.ttl()) === `on ${AttributeName}`,
      );
    },

    async recovery() {
      const output = await send("DescribeContinuousBackups", async (o) =>
        answerWith(
          await client.send(new DescribeContinuousBackupsCommand({ TableName }), o),
          "ContinuousBackupsDescription",
        ),
      );
      const { PointInTimeRecoveryDescription: recovery } = output?.ContinuousBackupsDescription ?? {};
      return recovery?.PointInTimeRecoveryStatus === "ENABLED" ? "on" : "off";
    },

    async enableRecovery() {
      const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
      await send("UpdateContinuousBackups", (o) =>
        client.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }), o),
      );
    },
  };
  return admin;
}

/** Changes a setting. It is no failure when another caller has just done the same. */
async function unlessDone(change: () => Promise<unknown>, isDone: () => Promise<boolean>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!(await isDone().catch(() => false))) throw error;
  }
}
