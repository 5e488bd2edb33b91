/** The rules for rows and queries that every store shares. They are DynamoDB's. */
import { invalid, ProtosourceError } from "../errors.js";
import { isClaimKey } from "./claim-key.js";
import { GSI_NUMBERS, indexAttributes } from "./key-attribute.js";
import { MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES } from "./key-limits.js";
import { NUM_GSIS, type OpaqueKey, type OpaqueQuery, type OpaqueRow } from "./opaque-store.js";
import type { SortCondition } from "./sort-condition.js";
import { compareUtf8, utf8Length } from "./utf8.js";

/**
 * Checks what names a row.
 *
 * Throws `invalid_argument` for a missing key and that of a claim, and `too_large` for one over DynamoDB's limits.
 */
export function checkKey(key: OpaqueKey): void {
  requireText("pk", key.pk);
  requireText("sk", key.sk);
  refuseClaims("pk", key.pk);
  checkSize("pk", key.pk, MAX_PARTITION_KEY_BYTES);
  checkSize("sk", key.sk, MAX_SORT_KEY_BYTES);
}

/**
 * Checks a row before it is written.
 *
 * Throws `invalid_argument` for a missing key of the table or a negative version, and `too_large` for a key over
 * DynamoDB's limits.
 */
export function checkRow(row: OpaqueRow): void {
  checkKey(row);
  for (const index of GSI_NUMBERS) {
    const [pk, sk] = indexAttributes(index);
    checkSize(pk, row[pk], MAX_PARTITION_KEY_BYTES);
    checkSize(sk, row[sk], MAX_SORT_KEY_BYTES);
  }
  if (row.version < 0n) throw invalid("version", `a row's version can't be ${row.version}: give 0 for unknown`);
}

/**
 * Checks a query before it is sent; its cursor is checked by `decodeCursor`.
 *
 * Throws `invalid_argument` for an index outside 0–20, an empty partition, an incomplete condition, a range whose low
 * bound is above its high one, a limit below 1 and a consistent read of an index; and `too_large` for a key over
 * DynamoDB's limits.
 */
export function checkQuery(query: OpaqueQuery): void {
  const { index = 0, partition, sort, limit, consistent } = query;
  if (!Number.isInteger(index) || index < 0 || index > NUM_GSIS) {
    throw invalid("index", `there is no index ${index}: give 1 to ${NUM_GSIS}, or 0 for the table itself`);
  }
  if (index !== 0 && consistent) {
    throw invalid(
      "consistent",
      `index ${index} can't be read consistently: leave out consistent, or query the table itself`,
    );
  }
  requireText("partition", partition);
  if (index === 0) refuseClaims("partition", partition);
  checkSize("partition", partition, MAX_PARTITION_KEY_BYTES);
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 1)) {
    throw invalid("limit", `a limit can't be ${limit}: give a whole number from 1, or leave it out`);
  }
  if (sort) checkSort(sort);
}

function checkSort(sort: SortCondition): void {
  switch (sort.op) {
    case "between":
      checkBound("sort.low", sort.low);
      checkBound("sort.high", sort.high);
      if (compareUtf8(sort.low, sort.high) > 0) {
        throw invalid(
          "sort",
          `the low bound ${JSON.stringify(sort.low)} lies above the high one ${JSON.stringify(sort.high)}: swap them`,
        );
      }
      return;
    case "eq":
    case "lt":
    case "le":
    case "gt":
    case "ge":
    case "begins_with":
      checkBound("sort.value", sort.value);
      return;
    default:
      throw invalid(
        "sort",
        `${JSON.stringify((sort as { readonly op: unknown }).op)} is no comparison: give eq, lt, le, gt, ge, between or begins_with`,
      );
  }
}

function checkBound(argument: string, value: string): void {
  requireText(argument, value);
  checkSize(argument, value, MAX_SORT_KEY_BYTES);
}

function requireText(argument: string, value: unknown): void {
  if (typeof value !== "string" || value === "") {
    throw invalid(argument, `${argument} is ${value === "" ? "empty" : "missing"}: give the whole key`);
  }
}

function refuseClaims(argument: string, pk: string): void {
  if (!isClaimKey(pk)) return;
  throw invalid(argument, `${argument} is the key of a claim, which is no row: take and free claims with saveAll`);
}

function checkSize(what: string, value: string, limit: number): void {
  // No character takes more than three bytes per unit, so that most keys needn't be counted.
  if (value.length * 3 <= limit) return;
  const size = utf8Length(value);
  if (size <= limit) return;
  throw new ProtosourceError(
    "too_large",
    `${what} takes ${size} bytes, and DynamoDB allows ${limit}: shorten the fields that make it`,
    { what, size, limit },
  );
}
