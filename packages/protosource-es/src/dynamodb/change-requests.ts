/** The requests by which a table's streams are followed, each with its time limits and retries. */
import { isProtosourceError, type ProtosourceError } from "../errors.js";
import { createSender, type RequestOptions } from "./sending.js";
import type { ChangeRecord, DynamoDBStreamsLike } from "./streams-client.js";

/** One shard of one stream. */
export interface ShardName {
  readonly streamArn: string;
  readonly shardId: string;
  /** The shard that this one goes on from. */
  readonly parentId?: string | undefined;
}

/** What a table's streams are made of. */
export interface FoundShards {
  /** Whether one of the streams is on: the others are read to their end, for 24 hours after they were switched off. */
  readonly isOn: boolean;
  readonly shards: readonly ShardName[];
}

/** Each throws what a {@link createSender | sender} throws. */
export interface ChangeRequests {
  /** Finds the shards of all streams that the table has, or had. */
  findShards(signal: AbortSignal): Promise<FoundShards>;
  /** Gives a place in a shard: behind a record, or at the oldest. */
  openShard(shard: ShardName, after: string | undefined, signal: AbortSignal): Promise<string | undefined>;
  /** Reads from a place on. The next place is undefined at the end of a shard that is closed. */
  readRecords(
    iterator: string,
    signal: AbortSignal,
  ): Promise<{ readonly records: readonly ChangeRecord[]; readonly next: string | undefined }>;
}

/** Makes the requests for the streams of one table. */
export function createChangeRequests(
  client: DynamoDBStreamsLike,
  table: string,
  options: RequestOptions,
): ChangeRequests {
  const sender = createSender(options);
  const send = async <O extends object>(
    operation: string,
    signal: AbortSignal,
    call: (options: { readonly abortSignal: AbortSignal }) => Promise<O>,
  ): Promise<Partial<O>> => {
    const { output } = await sender(operation, table, signal, (_, { abortSignal }) => call({ abortSignal }));
    return output ?? {};
  };

  const listStreams = async (signal: AbortSignal): Promise<readonly string[]> => {
    const arns: string[] = [];
    let after: string | undefined;
    do {
      const input = { TableName: table, ExclusiveStartStreamArn: after };
      const page = await send("ListStreams", signal, (options) => client.listStreams(input, options));
      for (const { StreamArn } of page.Streams ?? []) if (StreamArn !== undefined) arns.push(StreamArn);
      after = page.LastEvaluatedStreamArn;
    } while (after !== undefined);
    return arns;
  };

  const describe = async (streamArn: string, signal: AbortSignal): Promise<FoundShards> => {
    const shards = new Map<string, ShardName>();
    let isOn = false;
    let after: string | undefined;
    do {
      const input = { StreamArn: streamArn, ExclusiveStartShardId: after };
      const page = await send("DescribeStream", signal, (options) => client.describeStream(input, options));
      const { StreamStatus, Shards = [], LastEvaluatedShardId } = page.StreamDescription ?? {};
      isOn = StreamStatus === "ENABLED" || StreamStatus === "ENABLING";
      for (const { ShardId: shardId, ParentShardId: parentId } of Shards) {
        if (shardId !== undefined) shards.set(shardId, { streamArn, shardId, parentId });
      }
      after = LastEvaluatedShardId;
    } while (after !== undefined);
    return { isOn, shards: [...shards.values()] };
  };

  return {
    async findShards(signal) {
      const found: FoundShards[] = [];
      for (const streamArn of await listStreams(signal)) {
        try {
          found.push(await describe(streamArn, signal));
        } catch (error) {
          // It was there a moment ago.
          if (shardProblem(error) !== "missing") throw error;
        }
      }
      return { isOn: found.some(({ isOn }) => isOn), shards: found.flatMap(({ shards }) => shards) };
    },

    async openShard({ streamArn, shardId }, after, signal) {
      const place =
        after === undefined
          ? ({ ShardIteratorType: "TRIM_HORIZON" } as const)
          : ({ ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: after } as const);
      const input = { StreamArn: streamArn, ShardId: shardId, ...place };
      const { ShardIterator } = await send("GetShardIterator", signal, (o) => client.getShardIterator(input, o));
      return ShardIterator ?? undefined;
    },

    async readRecords(ShardIterator, signal) {
      const page = await send("GetRecords", signal, (options) => client.getRecords({ ShardIterator }, options));
      return { records: page.Records ?? [], next: page.NextShardIterator ?? undefined };
    },
  };
}

/**
 * Tells what is the matter with a shard: its iterator is older than 15 minutes, what comes next was trimmed after 24
 * hours, it isn't there any more, or DynamoDB doesn't answer for now. Undefined for everything else.
 */
export function shardProblem(error: unknown): "expired" | "trimmed" | "missing" | "busy" | undefined {
  if (!isProtosourceError(error)) return undefined;
  if (error.code === "table_missing") return "missing";
  if (error.code === "unavailable") return "busy";
  return PROBLEMS[((error as ProtosourceError).cause as Error | undefined)?.name ?? ""];
}

const PROBLEMS: Readonly<Record<string, "expired" | "trimmed">> = {
  ExpiredIteratorException: "expired",
  TrimmedDataAccessException: "trimmed",
};
