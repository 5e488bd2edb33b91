/** A client of the SDK whose requests are answered by the test, without a network. */
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/** A request as the SDK gave it to its handler. */
export interface SentRequest {
  readonly operation: string;
  readonly hostname: string;
  readonly headers: Record<string, string>;
  readonly text: string;
  readonly signal: AbortSignal | undefined;
}

/** An answer: its body is what a handler may give, whole or as a stream. */
export interface Answer {
  readonly status?: number;
  /** The id of the request by default. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A client that is answered by a function, and what it sent. */
export interface ScriptedClient {
  readonly client: DynamoDBClient;
  readonly sent: SentRequest[];
}

interface HandledRequest {
  readonly hostname: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array;
}

/** Makes a client whose requests are answered by a function. It makes one attempt of each unless told otherwise. */
export function scriptedClient(
  answer: (request: SentRequest) => Answer | Promise<Answer>,
  config: Partial<DynamoDBClientConfig> = {},
): ScriptedClient {
  const sent: SentRequest[] = [];
  const requestHandler = {
    async handle({ hostname, headers, body }: HandledRequest, options?: { readonly abortSignal?: AbortSignal }) {
      const request: SentRequest = {
        operation: String(headers["x-amz-target"]).split(".")[1] ?? "",
        hostname,
        headers,
        text: typeof body === "string" ? body : new TextDecoder().decode(body),
        signal: options?.abortSignal,
      };
      sent.push(request);
      const {
        status = 200,
        headers: answeredHeaders = { "x-amzn-requestid": `request-${sent.length}` },
        body: answered,
      } = await answer(request);
      return { response: { statusCode: status, headers: answeredHeaders, body: answered } };
    },
  };
  const client = new DynamoDBClient({
    region: "us-east-1",
    credentials: { accessKeyId: "key", secretAccessKey: "secret" },
    maxAttempts: 1,
    requestHandler: requestHandler as unknown as NonNullable<DynamoDBClientConfig["requestHandler"]>,
    ...config,
  });
  return { client, sent };
}

/** Gives JSON as the bytes of a body. */
export function json(body: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body));
}

/** Gives an error of DynamoDB's. */
export function errorAnswer(name: string, more: object = {}, status = 400): Answer {
  return { status, body: json({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: "scripted", ...more }) };
}
