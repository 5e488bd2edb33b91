/** Keys in a DynamoDB table of their own. */
import type { PutItemCommandInput } from "@aws-sdk/client-dynamodb";
import { ProtosourceError } from "../errors.js";
import type { KeyStore } from "../personal/key-store.js";
import { type KeyEntry, type KeyTableOptions, tableKeyStore } from "../personal/key-table.js";
import { throwIfAborted } from "../store/save-checks.js";
import { checkClient, type DynamoDBClientLike } from "./dynamodb-client.js";
import { bytesOf } from "./items.js";
import type { Item } from "./limits.js";
import type { RequestOptions } from "./sending.js";
import { DEFAULT_KEYS_TABLE, keysTableName } from "./table-names.js";
import { createTableRequests } from "./table-requests.js";

export interface DynamoDBKeyStoreOptions extends RequestOptions, KeyTableOptions {
  /** The table of the keys. `"keys"` by default. */
  readonly table?: string | undefined;
}

/**
 * Keeps the keys of persons in a DynamoDB table of their own: what restores it brings back what was erased, so that it has
 * no point-in-time recovery, and belongs into no backup.
 *
 * A key costs 1 write unit when it is made and when it is erased, and 1 read unit for each that isn't in the keyring's
 * memory. What has to be read for one load is read at once. The first of two that make a key wins, and both have that one.
 *
 * Throws `invalid_argument` for a missing client, a bad table name or time limit.
 */
export function dynamoDBKeyStore(client: DynamoDBClientLike, options: DynamoDBKeyStoreOptions = {}): KeyStore {
  checkClient(client);
  const table = keysTableName(options.table ?? DEFAULT_KEYS_TABLE);
  const requests = createTableRequests(client, options);
  return tableKeyStore(
    {
      async read(names, { signal }) {
        throwIfAborted(signal, "KeyStore");
        const items = await Promise.all(
          names.map(async (name) => {
            const input = { TableName: table, Key: { k: { S: name } }, ConsistentRead: true };
            const { output } = await requests.getItem(input, signal);
            return output?.Item && ([name, readEntry(output.Item, table)] as const);
          }),
        );
        return new Map(items.filter((item) => item !== undefined));
      },
      async write(name, entry, { signal }) {
        throwIfAborted(signal, "KeyStore");
        const { refusals } = await requests.putItem(putEntry(table, name, entry), signal);
        return refusals === undefined;
      },
    },
    options,
  );
}

function putEntry(table: string, name: string, entry: KeyEntry): PutItemCommandInput {
  const { revision, key, erased, erasedAt, reason } = entry;
  const isFirst = revision === 1;
  return {
    TableName: table,
    Item: {
      k: { S: name },
      n: { N: String(revision) },
      x: { L: erased.map((id) => ({ S: id })) },
      ...(key && { i: { S: key.id }, b: { B: key.bytes } }),
      ...(erasedAt !== undefined && { at: { N: String(erasedAt) } }),
      ...(reason !== undefined && { r: { S: reason } }),
    },
    ConditionExpression: isFirst ? "attribute_not_exists(k)" : "n = :before",
    ...(isFirst ? {} : { ExpressionAttributeValues: { ":before": { N: String(revision - 1) } } }),
  };
}

function readEntry(item: Item, table: string): KeyEntry {
  const { n, i, b, x, at, r } = item;
  const erased = x?.L?.map(({ S }) => S);
  const revision = Number(n?.N);
  const isWhole = Number.isSafeInteger(revision) && erased?.every((id) => id !== undefined);
  if (!isWhole || (i === undefined) !== (b === undefined)) {
    throw new ProtosourceError(
      "corrupt_record",
      `the item ${item["k"]?.S} of ${table} is no entry of a key: is it a table of protosource-es?`,
      { key: String(item["k"]?.S) },
    );
  }
  return {
    revision,
    key: i?.S === undefined || b === undefined ? undefined : { id: i.S, bytes: bytesOf(b) ?? new Uint8Array() },
    erased: erased as string[],
    erasedAt: at?.N === undefined ? undefined : BigInt(at.N),
    reason: r?.S,
  };
}
