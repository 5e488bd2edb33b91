/** An event source mapping of AWS Lambda, as it calls a function with the records of one shard. */
import { randomNumbers, shuffled } from "./random-numbers.js";

/** A record of DynamoDB Streams, or of Kinesis. Binary values become base64, as Lambda has them. */
export interface MappedRecord {
  readonly dynamodb?: { readonly Keys?: unknown; readonly SequenceNumber?: string | undefined } | undefined;
  readonly kinesis?: { readonly partitionKey?: string; readonly sequenceNumber: string } | undefined;
}

/** The function that is called. What it answers is looked at as Lambda does. */
export type MappedFunction = (
  event: { readonly Records: readonly MappedRecord[] },
  context: { getRemainingTimeInMillis(): number },
) => Promise<unknown>;

export interface MappingOptions {
  /** What happens by chance follows from it. 1 by default. */
  readonly seed?: number | undefined;
  /** 100 by default. */
  readonly batchSize?: number | undefined;
  /** The ParallelizationFactor: so many batches at once, with order kept for each item only. 1 by default. */
  readonly lanes?: number | undefined;
  /** Whether a batch that failed is cut in two, or at the record that a response names. True by default. */
  readonly bisect?: boolean | undefined;
  /** How often a batch comes again before it is thrown away. Without end by default. */
  readonly maximumRetryAttempts?: number | undefined;
  /** The share of the batches that come again although they were done, from 0 to 1. 0 by default. */
  readonly redelivered?: number | undefined;
  /** The share of the batches whose records come in disorder, but for those of one item, from 0 to 1. 0 by default. */
  readonly shuffled?: number | undefined;
  /** The milliseconds that the function has. 60,000 by default. */
  readonly timeoutMs?: number | undefined;
}

/** What a mapping did. */
export interface MappingReport {
  /** How often the function was called. */
  readonly calls: number;
  /** How many batches came again although they were done. */
  readonly redelivered: number;
  /** The records that were thrown away after too many attempts. */
  readonly discarded: readonly MappedRecord[];
}

/**
 * Calls a function with the records of one shard until each is done or thrown away, as an event source mapping with
 * `ReportBatchItemFailures` does: what a response names and all that is behind it in the batch comes again; an answer that
 * names no record of the batch, or an error, fails the whole of it.
 */
export async function runMapping(
  records: readonly MappedRecord[],
  run: MappedFunction,
  options: MappingOptions = {},
): Promise<MappingReport> {
  const { batchSize = 100, lanes = 1, bisect = true, maximumRetryAttempts = Number.POSITIVE_INFINITY } = options;
  const { seed = 1, redelivered: redeliveredShare = 0, shuffled: shuffledShare = 0, timeoutMs = 60_000 } = options;
  const random = randomNumbers(`mapping ${seed}`);
  const discarded: MappedRecord[] = [];
  let [calls, redelivered] = [0, 0];

  /** Gives what has to come again. */
  const call = async (batch: readonly MappedRecord[]): Promise<readonly MappedRecord[]> => {
    calls++;
    const end = performance.now() + timeoutMs;
    try {
      const context = { getRemainingTimeInMillis: () => Math.max(0, end - performance.now()) };
      return failedOf(await run({ Records: batch }, context), batch);
    } catch {
      return batch;
    }
  };

  const deliver = async (batch: readonly MappedRecord[], attempts: number): Promise<void> => {
    const failed = await call(batch);
    if (failed.length === 0) return;
    // What is before the record that a response names is done, and the count begins anew.
    if (failed.length < batch.length) return deliver(failed, 0);
    if (bisect && batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      await deliver(batch.slice(0, half), attempts);
      return deliver(batch.slice(half), attempts);
    }
    if (attempts < maximumRetryAttempts) return deliver(batch, attempts + 1);
    discarded.push(...batch);
  };

  const runLane = async (lane: readonly MappedRecord[]): Promise<void> => {
    for (let i = 0; i < lane.length; i += batchSize) {
      const inOrder = lane.slice(i, i + batchSize);
      const batch = random() < shuffledShare ? disordered(inOrder, random) : inOrder;
      await deliver(batch, 0);
      if (random() >= redeliveredShare) continue;
      redelivered++;
      await deliver(batch, 0);
    }
  };

  const asSent = records.map(withBase64) as MappedRecord[];
  const laneOf = (record: MappedRecord): number => Math.floor(randomNumbers(itemOf(record))() * lanes);
  await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(asSent.filter((one) => laneOf(one) === lane))));
  return { calls, redelivered, discarded };
}

/** Gives the records from the lowest one on that an answer names: all, if it names one that the batch doesn't hold. */
function failedOf(answer: unknown, batch: readonly MappedRecord[]): readonly MappedRecord[] {
  const failures = (answer as { readonly batchItemFailures?: unknown } | null | undefined)?.batchItemFailures ?? [];
  if (!Array.isArray(failures)) return batch;
  const names = failures.map((failure: { readonly itemIdentifier?: unknown } | null) => failure?.itemIdentifier);
  const numbers = new Map(batch.map((record) => [sequenceNumberOf(record), record]));
  if (names.some((name) => typeof name !== "string" || !numbers.has(name))) return batch;
  const failed = new Set(names.map((name) => BigInt(name as string)));
  return batch.filter((record) => [...failed].some((number) => BigInt(sequenceNumberOf(record) ?? 0) >= number));
}

function sequenceNumberOf({ kinesis, dynamodb }: MappedRecord): string | undefined {
  return kinesis?.sequenceNumber ?? dynamodb?.SequenceNumber;
}

function itemOf({ kinesis, dynamodb }: MappedRecord): string {
  return kinesis?.partitionKey ?? JSON.stringify(dynamodb?.Keys);
}

/** Keeps the order of the records of each item only. */
function disordered(batch: readonly MappedRecord[], random: () => number): readonly MappedRecord[] {
  const waiting = new Map<string, MappedRecord[]>();
  for (const record of batch) waiting.set(itemOf(record), [...(waiting.get(itemOf(record)) ?? []), record]);
  return shuffled(batch.map(itemOf), random).flatMap((item) => waiting.get(item)?.shift() ?? []);
}

function withBase64(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(withBase64);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withBase64(one)]));
}
