import type { Sink } from "../sink.js";
import { type BatchAnswer, type BatchEntry, sendEntries } from "./entries.js";
import { type SendOptions, sendOptions } from "./send-options.js";

/** The shape of `SQS` of @aws-sdk/client-sqs. */
export interface SqsLike {
  sendMessageBatch(
    input: { QueueUrl: string; Entries: (BatchEntry & { MessageBody: string })[] },
    options: SendOptions,
  ): Promise<BatchAnswer>;
}

export interface SqsOptions {
  /** The URL of the queue. Where it ends with `.fifo`, messages have groups and dedupe ids. */
  readonly queueUrl: string;
  /** How many bytes a request may have: as many as the queue takes in a message. 262,144 by default. */
  readonly maxBytes?: number | undefined;
}

/**
 * Sends to a queue. To a FIFO queue one message at a time, so that each stream keeps its order: its stream is the group,
 * and the queue drops what is sent again within 5 minutes. Both ids are hashed where they are longer than 128 characters
 * or have others than letters, digits and punctuation. To a standard queue, which keeps no order, up to 10 at once.
 *
 * The attributes `type` and `content-type` come along. Give it `new SQS({})`, or
 * `{ sendMessageBatch: (input) => client.send(new SendMessageBatchCommand(input)) }`.
 */
export function sqs(client: SqsLike, { queueUrl, maxBytes }: SqsOptions): Sink {
  const target = { isFifo: queueUrl.endsWith(".fifo"), maxBytes };
  return (messages, { signal }) =>
    sendEntries("SQS", messages, target, (entries) => {
      const Entries = entries.map(([entry, body]) => ({ ...entry, MessageBody: body }));
      return client.sendMessageBatch({ QueueUrl: queueUrl, Entries }, sendOptions(signal));
    });
}
