import type { Sink } from "../sink.js";
import { type BatchAnswer, type BatchEntry, sendEntries } from "./entries.js";
import { type SendOptions, sendOptions } from "./send-options.js";

/** The shape of `SNS` of @aws-sdk/client-sns. */
export interface SnsLike {
  publishBatch(
    input: { TopicArn: string; PublishBatchRequestEntries: (BatchEntry & { Message: string })[] },
    options: SendOptions,
  ): Promise<BatchAnswer>;
}

export interface SnsOptions {
  /** The ARN of the topic. Where it ends with `.fifo`, messages have groups and dedupe ids. */
  readonly topicArn: string;
  /** How many bytes a request may have. 262,144 by default. */
  readonly maxBytes?: number | undefined;
}

/**
 * Publishes to a topic. To a FIFO topic one message at a time, with the stream as its group, as {@link sqs} does; to a
 * standard topic, which keeps no order, up to 10 at once.
 *
 * The attributes `type` and `content-type` come along, so that subscriptions of the topic can filter by them. Give it
 * `new SNS({})`, or `{ publishBatch: (input) => client.send(new PublishBatchCommand(input)) }`.
 */
export function sns(client: SnsLike, { topicArn, maxBytes }: SnsOptions): Sink {
  const target = { isFifo: topicArn.endsWith(".fifo"), maxBytes };
  return (messages, { signal }) =>
    sendEntries("SNS", messages, target, (entries) => {
      const PublishBatchRequestEntries = entries.map(([entry, body]) => ({ ...entry, Message: body }));
      return client.publishBatch({ TopicArn: topicArn, PublishBatchRequestEntries }, sendOptions(signal));
    });
}
