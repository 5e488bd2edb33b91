/** The operations on items, each sent with its time limits and retries. */
import {
  DeleteItemCommand,
  type DeleteItemCommandInput,
  type DeleteItemCommandOutput,
  GetItemCommand,
  type GetItemCommandInput,
  type GetItemCommandOutput,
  PutItemCommand,
  type PutItemCommandInput,
  type PutItemCommandOutput,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandInput,
  type ScanCommandOutput,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
  type TransactWriteItemsCommandOutput,
} from "@aws-sdk/client-dynamodb";
import type { Attempt } from "./attempt.js";
import type { DynamoDBClientLike, SendOptions } from "./dynamodb-client.js";
import { fastCommand } from "./fast-commands.js";
import { plainCommand } from "./plain-commands.js";
import { createSender, type RequestOptions, type Sent } from "./sending.js";
import { usablePage } from "./usable-answer.js";

/** Sends one kind of request. Throws what a {@link createSender | sender} throws. */
type Operation<I, O> = (input: I, signal: AbortSignal | undefined) => Promise<Sent<O>>;

/** What a client can do with the items of a table. */
export interface TableRequests {
  readonly query: Operation<QueryCommandInput, QueryCommandOutput>;
  readonly scan: Operation<ScanCommandInput, ScanCommandOutput>;
  readonly getItem: Operation<GetItemCommandInput, GetItemCommandOutput>;
  readonly putItem: Operation<PutItemCommandInput, PutItemCommandOutput>;
  readonly deleteItem: Operation<DeleteItemCommandInput, DeleteItemCommandOutput>;
  readonly transactWriteItems: Operation<TransactWriteItemsCommandInput, TransactWriteItemsCommandOutput>;
}

/** Makes the operations of a client. */
export function createTableRequests(client: DynamoDBClientLike, options: RequestOptions): TableRequests {
  const send = createSender(options);
  const isFast = options.fastPath ?? true;
  const prepared = <C extends object>(command: C, attempt: Attempt): [command: C, options?: SendOptions] =>
    isFast
      ? [fastCommand(command, client, attempt)]
      : [plainCommand(command, client, attempt), { abortSignal: attempt.abortSignal }];
  return {
    query: (input, signal) =>
      send("Query", String(input.TableName), signal, async (ReturnConsumedCapacity, attempt) =>
        usablePage(
          await client.send(...prepared(new QueryCommand({ ...input, ReturnConsumedCapacity }), attempt)),
          input,
        ),
      ),
    scan: (input, signal) =>
      send("Scan", String(input.TableName), signal, async (ReturnConsumedCapacity, attempt) =>
        usablePage(
          await client.send(...prepared(new ScanCommand({ ...input, ReturnConsumedCapacity }), attempt)),
          input,
        ),
      ),
    getItem: (input, signal) =>
      send("GetItem", String(input.TableName), signal, (ReturnConsumedCapacity, attempt) =>
        client.send(...prepared(new GetItemCommand({ ...input, ReturnConsumedCapacity }), attempt)),
      ),
    putItem: (input, signal) =>
      send("PutItem", String(input.TableName), signal, (ReturnConsumedCapacity, attempt) =>
        client.send(...prepared(new PutItemCommand({ ...input, ReturnConsumedCapacity }), attempt)),
      ),
    deleteItem: (input, signal) =>
      send("DeleteItem", String(input.TableName), signal, (ReturnConsumedCapacity, attempt) =>
        client.send(...prepared(new DeleteItemCommand({ ...input, ReturnConsumedCapacity }), attempt)),
      ),
    transactWriteItems: (input, signal) =>
      send("TransactWriteItems", tablesOf(input), signal, (ReturnConsumedCapacity, attempt) =>
        client.send(...prepared(new TransactWriteItemsCommand({ ...input, ReturnConsumedCapacity }), attempt)),
      ),
  };
}

function tablesOf({ TransactItems = [] }: TransactWriteItemsCommandInput): string {
  return [
    ...new Set(TransactItems.map(({ Put, Delete, ConditionCheck }) => (Put ?? Delete ?? ConditionCheck)?.TableName)),
  ].join(" and ");
}
