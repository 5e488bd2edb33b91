import type {
  CreateTableCommand,
  CreateTableCommandOutput,
  DeleteItemCommand,
  DeleteItemCommandOutput,
  DescribeContinuousBackupsCommand,
  DescribeContinuousBackupsCommandOutput,
  DescribeTableCommand,
  DescribeTableCommandOutput,
  DescribeTimeToLiveCommand,
  DescribeTimeToLiveCommandOutput,
  GetItemCommand,
  GetItemCommandOutput,
  PutItemCommand,
  PutItemCommandOutput,
  QueryCommand,
  QueryCommandOutput,
  ScanCommand,
  ScanCommandOutput,
  TransactWriteItemsCommand,
  TransactWriteItemsCommandOutput,
  UpdateContinuousBackupsCommand,
  UpdateContinuousBackupsCommandOutput,
  UpdateTableCommand,
  UpdateTableCommandOutput,
  UpdateTimeToLiveCommand,
  UpdateTimeToLiveCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { ProtosourceError } from "../errors.js";

/** What is passed with each command. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
}

/** The shape of the AWS SDK's `DynamoDBClient` that the stores need. */
export interface DynamoDBClientLike {
  send(command: QueryCommand, options?: SendOptions): Promise<QueryCommandOutput>;
  send(command: ScanCommand, options?: SendOptions): Promise<ScanCommandOutput>;
  send(command: GetItemCommand, options?: SendOptions): Promise<GetItemCommandOutput>;
  send(command: PutItemCommand, options?: SendOptions): Promise<PutItemCommandOutput>;
  send(command: DeleteItemCommand, options?: SendOptions): Promise<DeleteItemCommandOutput>;
  send(command: TransactWriteItemsCommand, options?: SendOptions): Promise<TransactWriteItemsCommandOutput>;
}

/** The shape of the client that `ensureTables` needs beside. */
export interface DynamoDBAdminClientLike {
  send(command: DescribeTableCommand, options?: SendOptions): Promise<DescribeTableCommandOutput>;
  send(command: CreateTableCommand, options?: SendOptions): Promise<CreateTableCommandOutput>;
  send(command: UpdateTableCommand, options?: SendOptions): Promise<UpdateTableCommandOutput>;
  send(command: DescribeTimeToLiveCommand, options?: SendOptions): Promise<DescribeTimeToLiveCommandOutput>;
  send(command: UpdateTimeToLiveCommand, options?: SendOptions): Promise<UpdateTimeToLiveCommandOutput>;
  send(
    command: DescribeContinuousBackupsCommand,
    options?: SendOptions,
  ): Promise<DescribeContinuousBackupsCommandOutput>;
  send(command: UpdateContinuousBackupsCommand, options?: SendOptions): Promise<UpdateContinuousBackupsCommandOutput>;
}

/** Refuses a client that is missing or isn't one. */
export function checkClient(client: { send: unknown }): void {
  if (typeof client?.send !== "function") {
    throw new ProtosourceError(
      "invalid_argument",
      "client is missing or has no method `send`: pass a DynamoDBClient of @aws-sdk/client-dynamodb",
      { argument: "client" },
    );
  }
}
