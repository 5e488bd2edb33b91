/** The limits of DynamoDB that are checked before anything is sent, and the sizes that they are checked against. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { ProtosourceError } from "../errors.js";

/** An item as the SDK takes and gives it. */
export type Item = Record<string, AttributeValue>;

/** The bytes of an item, names and values: 400 KB (DynamoDB quotas, "Item size"). */
export const MAX_ITEM_BYTES = 409_600;

/** The bytes of an item up to which records are packed into it: 390 KB, which leaves room for the key. */
export const MAX_PACKED_BYTES: number = 390 * 1024;

/** The items of a transaction (DynamoDB quotas, "Transactions"). */
export const MAX_TRANSACTION_ITEMS = 100;

/** The bytes of a transaction: 4 MB (DynamoDB quotas, "Transactions"). */
export const MAX_TRANSACTION_BYTES: number = 4 * 1024 * 1024;

/** The bytes that DynamoDB counts for an item: its attribute names and values, in UTF-8. */
export function itemBytes(item: Item): number {
  let bytes = 0;
  for (const name in item) bytes += Buffer.byteLength(name) + valueBytes(item[name]);
  return bytes;
}

/** What a transaction does with one item, as far as it counts. */
interface Action {
  readonly Item?: Item | undefined;
  readonly Key?: Item | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
}

/**
 * The bytes that an item takes of its transaction: the item or its key, the condition, and the names and values that
 * the condition stands on. DynamoDB documents the items alone; its local engine counts all of this.
 */
export function actionBytes(action: Action): number {
  const { Item, Key, ConditionExpression = "", ExpressionAttributeNames = {}, ExpressionAttributeValues = {} } = action;
  let bytes = itemBytes(Item ?? Key ?? {}) + Buffer.byteLength(ConditionExpression);
  for (const name of Object.values(ExpressionAttributeNames)) bytes += Buffer.byteLength(name);
  for (const value of Object.values(ExpressionAttributeValues)) bytes += valueBytes(value);
  return bytes;
}

/** Refuses an item over 400 KB; `what` names it. */
export function checkItemBytes(what: string, size: number): void {
  if (size > MAX_ITEM_BYTES) {
    throw new ProtosourceError(
      "too_large",
      `${what} is an item of ${size} bytes, and DynamoDB takes ${MAX_ITEM_BYTES}: store the large part elsewhere`,
      { what, size, limit: MAX_ITEM_BYTES },
    );
  }
}

function valueBytes(value: AttributeValue | undefined): number {
  if (value?.S !== undefined) return Buffer.byteLength(value.S);
  if (value?.B !== undefined) return value.B.length;
  if (value?.N !== undefined) return numberBytes(value.N);
  return 1;
}

// A byte for two significant digits, one more, and one for a minus sign.
function numberBytes(digits: string): number {
  const sign = digits.startsWith("-") ? 1 : 0;
  let begin = sign;
  let end = digits.length;
  while (begin < end && digits[begin] === "0") begin++;
  while (begin < end && digits[end - 1] === "0") end--;
  return ((end - begin + 1) >> 1) + 1 + sign;
}
