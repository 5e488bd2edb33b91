/** Services that an outbox sends to, in the shape of their clients: they hold to the limits that each documents. */
import type { EventBridgeLike, KafkaProducerLike, SnsLike, SqsLike } from "protosource-es/subscriptions";

/** What a service took. */
export interface Delivered {
  /** The dedupe id, where the service knows of one. */
  readonly dedupeId: string | undefined;
  /** What order is kept in: the group, or the key. */
  readonly lane: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

/** What goes wrong with a request, or with an entry of one. */
export type Fault = "none" | "throttled" | "lost answer";

/** What is common to the fakes. */
export class FakeService {
  readonly delivered: Delivered[] = [];
  /** How many entries each request had. */
  readonly requests: number[] = [];
  requestFault: () => Fault = () => "none";
  /** The code that an entry is refused with. */
  entryFault: () => string | undefined = () => undefined;
  maxBytes = 262_144;

  /** Takes the entries of a request, as the service does, and tells which it refused. */
  protected async take(entries: readonly Delivered[], bytes: number): Promise<(string | undefined)[]> {
    this.requests.push(entries.length);
    const fault = this.requestFault();
    await new Promise((resolve) => setImmediate(resolve));
    if (fault === "throttled") throw named("ThrottlingException");
    if (entries.length > 10 || bytes > this.maxBytes) throw named("BatchRequestTooLong");
    const refused = entries.map((entry) => {
      const code = this.entryFault() ?? this.flaw(entry);
      if (code === undefined && !this.isDuplicate(entry)) this.delivered.push(entry);
      return code;
    });
    if (fault === "lost answer") throw named("TimeoutError");
    return refused;
  }

  protected flaw(_entry: Delivered): string | undefined {
    return undefined;
  }

  protected isDuplicate({ dedupeId }: Delivered): boolean {
    return dedupeId !== undefined && this.delivered.some((one) => one.dedupeId === dedupeId);
  }
}

type SqsInput = Parameters<SqsLike["sendMessageBatch"]>[0];
type SnsInput = Parameters<SnsLike["publishBatch"]>[0];
type Entry = SqsInput["Entries"][number] | SnsInput["PublishBatchRequestEntries"][number];

/** What both refuse in a text: all but the characters of XML 1.0. */
const NO_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const FIFO_ID = /^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]{1,128}$/;

/** SQS and SNS. */
export class FakeQueue extends FakeService implements SqsLike, SnsLike {
  sendMessageBatch({ QueueUrl, Entries }: SqsInput): ReturnType<SqsLike["sendMessageBatch"]> {
    const entries = Entries.map((entry) => [entry, entry.MessageBody] as const);
    return this.#batch(QueueUrl.endsWith(".fifo"), entries);
  }

  publishBatch({ TopicArn, PublishBatchRequestEntries }: SnsInput): ReturnType<SnsLike["publishBatch"]> {
    const entries = PublishBatchRequestEntries.map((entry) => [entry, entry.Message] as const);
    return this.#batch(TopicArn.endsWith(".fifo"), entries);
  }

  protected override flaw({ body }: Delivered): string | undefined {
    return NO_XML.test(body) ? "InvalidMessageContents" : undefined;
  }

  async #batch(isFifo: boolean, entries: readonly (readonly [Entry, string])[]) {
    if (new Set(entries.map(([{ Id }]) => Id)).size < entries.length) throw named("BatchEntryIdsNotDistinct");
    let bytes = 0;
    const delivered = entries.map(([entry, body]) => {
      const { MessageGroupId: lane, MessageDeduplicationId: dedupeId, MessageAttributes: attributes } = entry;
      if (isFifo && ![lane, dedupeId].every((id) => FIFO_ID.test(id ?? ""))) throw named("InvalidParameterValue");
      if (!isFifo && (lane ?? dedupeId) !== undefined) throw named("InvalidParameterValue");
      const texts = Object.entries(attributes).flatMap(([name, one]) => [name, one.DataType, one.StringValue]);
      bytes += Buffer.byteLength([body, ...texts].join(""));
      return { dedupeId, lane, type: attributes["type"]?.StringValue, body };
    });
    const codes = await this.take(delivered, bytes);
    const outcomes = entries.map(([{ Id }], i) => ({ Id, Code: codes[i], Message: "refused", SenderFault: true }));
    return {
      Successful: outcomes.filter(({ Code }) => Code === undefined).map(({ Id }) => ({ Id })),
      Failed: outcomes.filter(({ Code }) => Code !== undefined),
    };
  }
}

/** An event bus. */
export class FakeEventBridge extends FakeService implements EventBridgeLike {
  async putEvents({ Entries }: Parameters<EventBridgeLike["putEvents"]>[0]): ReturnType<EventBridgeLike["putEvents"]> {
    const bytes = Entries.map(
      ({ Source, DetailType, Detail, Time }) => Buffer.byteLength(Source + DetailType + Detail) + (Time ? 14 : 0),
    ).reduce((sum, size) => sum + size, 0);
    const delivered = Entries.map(({ DetailType: type, Detail: body }) => ({
      dedupeId: undefined,
      lane: undefined,
      type,
      body,
    }));
    const codes = await this.take(delivered, bytes);
    return {
      Entries: codes.map((code, i) =>
        code === undefined ? { EventId: i.toString() } : { ErrorCode: code, ErrorMessage: "refused" },
      ),
    };
  }

  protected override flaw({ body }: Delivered): string | undefined {
    return body.startsWith("{") ? undefined : "MalformedDetail";
  }
}

/** A topic of one partition, which takes a request as a whole or not. */
export class FakeKafka extends FakeService implements KafkaProducerLike {
  override maxBytes = 1_048_576;

  async send({ messages }: Parameters<KafkaProducerLike["send"]>[0]): ReturnType<KafkaProducerLike["send"]> {
    this.requests.push(messages.length);
    const fault = this.requestFault();
    await new Promise((resolve) => setImmediate(resolve));
    if (fault === "throttled" || this.entryFault() !== undefined) throw named("KafkaJSConnectionError");
    if (messages.some(({ value }) => Buffer.byteLength(value) > this.maxBytes)) {
      throw Object.assign(named("KafkaJSProtocolError"), { type: "MESSAGE_TOO_LARGE", code: 10 });
    }
    for (const { key, value, headers } of messages) {
      this.delivered.push({ dedupeId: headers["id"], lane: key, type: headers["type"], body: value });
    }
    if (fault === "lost answer") throw named("KafkaJSRequestTimeoutError");
    return [{ errorCode: 0 }];
  }
}

function named(name: string): Error {
  return Object.assign(new Error(`the service says ${name}`), { name });
}
