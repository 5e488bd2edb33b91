import { ProtosourceError } from "../errors.js";
import type { SendOptions } from "./dynamodb-client.js";

/** A value of an item: binary as bytes from the AWS SDK, and as base64 in an event of AWS Lambda. */
export interface ChangedValue {
  readonly S?: string | undefined;
  readonly N?: string | undefined;
  readonly B?: Uint8Array | string | undefined;
}

type ChangedItem = Readonly<Record<string, ChangedValue>>;

/** A record of DynamoDB Streams, as the AWS SDK gives it, and an event of AWS Lambda. */
export interface ChangeRecord {
  readonly eventName?: string | undefined;
  readonly dynamodb?:
    | {
        readonly Keys?: ChangedItem | undefined;
        readonly NewImage?: ChangedItem | undefined;
        readonly SequenceNumber?: string | undefined;
      }
    | undefined;
}

/** The parts of a stream's description that are looked at. */
export interface StreamDescriptionLike {
  readonly StreamStatus?: string | undefined;
  readonly Shards?:
    | readonly { readonly ShardId?: string | undefined; readonly ParentShardId?: string | undefined }[]
    | undefined;
  readonly LastEvaluatedShardId?: string | undefined;
}

/**
 * The shape of the client `DynamoDBStreams` of @aws-sdk/client-dynamodb-streams that a stream is followed with. Its
 * requests are free but for `getRecords`, of which DynamoDB charges $0.02 for 100,000.
 */
export interface DynamoDBStreamsLike {
  listStreams(
    input: { readonly TableName: string; readonly ExclusiveStartStreamArn?: string | undefined },
    options?: SendOptions,
  ): Promise<{
    readonly Streams?: readonly { readonly StreamArn?: string | undefined }[] | undefined;
    readonly LastEvaluatedStreamArn?: string | undefined;
  }>;
  describeStream(
    input: { readonly StreamArn: string; readonly ExclusiveStartShardId?: string | undefined },
    options?: SendOptions,
  ): Promise<{ readonly StreamDescription?: StreamDescriptionLike | undefined }>;
  getShardIterator(
    input: {
      readonly StreamArn: string;
      readonly ShardId: string;
      readonly ShardIteratorType: "TRIM_HORIZON" | "AFTER_SEQUENCE_NUMBER";
      readonly SequenceNumber?: string | undefined;
    },
    options?: SendOptions,
  ): Promise<{ readonly ShardIterator?: string | undefined }>;
  getRecords(
    input: { readonly ShardIterator: string },
    options?: SendOptions,
  ): Promise<{
    readonly Records?: readonly ChangeRecord[] | undefined;
    readonly NextShardIterator?: string | undefined;
  }>;
}

/** Refuses a client that is missing or isn't one. */
export function checkStreamsClient(client: DynamoDBStreamsLike): void {
  if (typeof client?.getRecords === "function") return;
  throw new ProtosourceError(
    "invalid_argument",
    "client is missing or has no method `getRecords`: pass a DynamoDBStreams of @aws-sdk/client-dynamodb-streams, not a DynamoDBStreamsClient",
    { argument: "client" },
  );
}
