import { invalid } from "../errors.js";

/** What a function answers to a mapping with `ReportBatchItemFailures`. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/**
 * Gives the answer that makes a mapping ring again from the first record of a batch on that wasn't done: the lowest
 * sequence number, behind which the mapping repeats everything. Without any, the whole batch is done.
 *
 * Throws `invalid_argument` for what is no sequence number: a mapping takes an empty one for a failure of the whole batch,
 * and a record that the batch doesn't hold as well, so that the function had better fail.
 */
export function batchResponse(failed: readonly string[]): BatchResponse {
  let lowest: bigint | undefined;
  for (const sequenceNumber of failed) {
    if (!/^\d+$/.test(sequenceNumber)) {
      throw invalid(
        "failed",
        `${JSON.stringify(sequenceNumber)} is no sequence number, so the whole batch comes again`,
      );
    }
    const number = BigInt(sequenceNumber);
    if (lowest === undefined || number < lowest) lowest = number;
  }
  const itemIdentifier = failed.find((sequenceNumber) => BigInt(sequenceNumber) === lowest);
  return { batchItemFailures: itemIdentifier === undefined ? [] : [{ itemIdentifier }] };
}
