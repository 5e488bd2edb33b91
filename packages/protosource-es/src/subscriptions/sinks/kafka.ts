import type { OutboxMessage, Sink } from "../sink.js";
import { firstBatch, tooLarge, utf8Bytes } from "./batch.js";

/** The shape of a producer of kafkajs, and of @confluentinc/kafka-javascript, which has the same. */
export interface KafkaProducerLike {
  send(record: { topic: string; messages: KafkaMessage[] }): Promise<readonly { readonly errorCode?: number }[]>;
}

interface KafkaMessage {
  key: string;
  value: string;
  headers: Record<string, string>;
  timestamp?: string;
}

export interface KafkaOptions {
  /** A producer that is connected. Make it idempotent, so that what it repeats keeps its order. */
  readonly producer: KafkaProducerLike;
  readonly topic: string;
  /** How many bytes a request may have: as many as the topic takes in a message. 1,000,000 by default. */
  readonly maxBytes?: number | undefined;
}

/** Kafka's code for a message that the topic doesn't take. */
const MESSAGE_TOO_LARGE = 10;

/**
 * Sends to a topic. The stream is the key, so that its messages are in one partition, and in order; they have the headers
 * `id` (the dedupe id), `type` and `content-type`.
 */
export function kafka({ producer, topic, maxBytes: bytes = 1_000_000 }: KafkaOptions): Sink {
  return async (messages) => {
    const batch = firstBatch("Kafka", messages, { messages: messages.length, bytes }, sizeOf);
    const [first] = batch as [OutboxMessage];
    let partitions: Awaited<ReturnType<KafkaProducerLike["send"]>>;
    try {
      partitions = await producer.send({ topic, messages: batch.map(kafkaMessage) });
    } catch (error) {
      if ((error as { readonly code?: unknown } | undefined)?.code !== MESSAGE_TOO_LARGE) throw error;
      throw tooLarge(topic, first, sizeOf(first), bytes);
    }
    const failed = partitions.find(({ errorCode = 0 }) => errorCode !== 0);
    if (failed) throw new Error(`Kafka answered with the error ${failed.errorCode}`);
    return batch.length;
  };
}

function kafkaMessage({ streamId, body, at, ...message }: OutboxMessage): KafkaMessage {
  const timestamp = at === undefined ? {} : { timestamp: (at / 1000n).toString() };
  return { key: streamId, value: body, headers: headersOf(message), ...timestamp };
}

function headersOf({ dedupeId, type, contentType }: Pick<OutboxMessage, "dedupeId" | "type" | "contentType">) {
  return { id: dedupeId, type, "content-type": contentType };
}

function sizeOf(message: OutboxMessage): number {
  const headers = Object.entries(headersOf(message)).flat();
  return utf8Bytes(message.streamId, message.body, ...headers);
}
