/** What a function answers a request with, in the form of the event that it was called with. */
import { base64Encode } from "@bufbuild/protobuf/wire";
import { type HttpEvent, isAlb, isV2 } from "./http-events.js";

/** What a function answers a request with. */
export interface HttpResult {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, string[]>>;
  readonly cookies?: string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** The types of bodies that are text in UTF-8. */
const TEXT = /^(text\/|application\/([\w.-]+\+)?json\b)/;

/** Gives an answer in the form that belongs to an event. A body that isn't text is in base64. */
export async function resultOf(response: Response, event: HttpEvent): Promise<HttpResult> {
  const { status, headers } = response;
  const isText = TEXT.test(headers.get("content-type") ?? "") && !headers.has("content-encoding");
  const body = isText ? await response.text() : base64Encode(new Uint8Array(await response.arrayBuffer()));
  const common = { statusCode: status, body, isBase64Encoded: !isText && body !== "" };
  const cookies = headers.getSetCookie();
  if (isV2(event)) {
    const others = Object.fromEntries([...headers].filter(([name]) => name !== "set-cookie"));
    return cookies.length === 0 ? { ...common, headers: others } : { ...common, headers: others, cookies };
  }
  // A load balancer takes the form that it gives, as it is set up.
  if (isAlb(event) && !event.multiValueHeaders) return { ...common, headers: Object.fromEntries(headers) };
  const multiValueHeaders = Object.fromEntries([...headers].map(([name, value]) => [name, [value]]));
  if (cookies.length > 0) multiValueHeaders["set-cookie"] = cookies;
  return { ...common, multiValueHeaders };
}
