/** What SQS and SNS have in common: the entries of a batch, and what became of them. */
import { sha256Hex } from "../../opaquedata/sha256.js";
import type { OutboxMessage } from "../sink.js";
import { AWS_LIMITS, countTaken, firstBatch, utf8Bytes } from "./batch.js";

/** An entry without its body, which each service names otherwise. */
export interface BatchEntry {
  Id: string;
  MessageAttributes: Record<string, { DataType: string; StringValue: string }>;
  MessageGroupId?: string;
  MessageDeduplicationId?: string;
}

/** What both services answer. */
export interface BatchAnswer {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | undefined;
  readonly Failed?:
    | readonly {
        readonly Id?: string | undefined;
        readonly Code?: string | undefined;
        readonly Message?: string | undefined;
      }[]
    | undefined;
}

/** What ids of FIFO queues and topics may be: letters, digits and punctuation. */
const FIFO_ID = /^[!-~]{1,128}$/;

/** Sends as many messages as one request takes, and gives how many were taken. */
export async function sendEntries(
  service: "SQS" | "SNS",
  messages: readonly OutboxMessage[],
  target: { readonly isFifo: boolean; readonly maxBytes: number | undefined },
  request: (entries: readonly (readonly [BatchEntry, body: string])[]) => Promise<BatchAnswer>,
): Promise<number> {
  const { isFifo, maxBytes: bytes = AWS_LIMITS.bytes } = target;
  // A batch may be taken but for one of its messages, and that would come behind the others then.
  const limits = { messages: isFifo ? 1 : AWS_LIMITS.messages, bytes };
  const batch = firstBatch(service, messages, limits, sizeOf);
  const entries = await Promise.all(
    batch.map(async (message, i) => [await entryOf(message, i, isFifo), message.body] as const),
  );
  const { Successful = [], Failed = [] } = await request(entries);
  const refusals = entries.map(([{ Id }]) => {
    if (Successful.some((one) => one.Id === Id)) return undefined;
    const { Code = "NoAnswer", Message = "no answer for it" } = Failed.find((one) => one.Id === Id) ?? {};
    return { code: Code, message: Message };
  });
  return countTaken(service, refusals);
}

async function entryOf(message: OutboxMessage, index: number, isFifo: boolean): Promise<BatchEntry> {
  const entry = { Id: index.toString(), MessageAttributes: attributesOf(message) };
  if (!isFifo) return entry;
  const { streamId, dedupeId } = message;
  return { ...entry, MessageGroupId: await fifoId(streamId), MessageDeduplicationId: await fifoId(dedupeId) };
}

function attributesOf({ type, contentType }: OutboxMessage): BatchEntry["MessageAttributes"] {
  return {
    type: { DataType: "String", StringValue: type },
    "content-type": { DataType: "String", StringValue: contentType },
  };
}

/** Gives an id as it is where it may be one, else its SHA-256. */
async function fifoId(id: string): Promise<string> {
  return FIFO_ID.test(id) ? id : sha256Hex(id);
}

function sizeOf(message: OutboxMessage): number {
  const attributes = Object.entries(attributesOf(message));
  return attributes.reduce(
    (sum, [name, { DataType, StringValue }]) => sum + utf8Bytes(name, DataType, StringValue),
    utf8Bytes(message.body),
  );
}
