import { untilAborted } from "./exchange.js";
import { Refusal } from "./refusal.js";

/**
 * Reads the body of a request, as far as it is allowed to be long, and until the signal is aborted.
 *
 * Throws a {@link Refusal}: of one that is too long, by its `Content-Length` before any of it is read; of one that ends
 * early; and of one that takes too long.
 */
export async function readBody(
  request: Request,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Uint8Array<ArrayBuffer>> {
  const promised = Number(request.headers.get("content-length") ?? Number.NaN);
  if (promised > maxBytes) throw tooLong(maxBytes);
  if (request.body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await untilAborted(signal, request, () => reader.read());
      if (done) break;
      length += value.length;
      if (length > maxBytes) throw tooLong(maxBytes);
      chunks.push(value);
    }
  } catch (error) {
    // Nobody waits for what is left of the body, nor for the end of a body that is broken.
    reader.cancel(error).catch(() => {});
    throw error instanceof Refusal ? error : new Refusal("invalid_argument", "the body ended early", { cause: error });
  }
  if (length < promised) throw new Refusal("invalid_argument", "the body is shorter than its Content-Length says");
  return concat(chunks);
}

/** Joins pieces of bytes. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}

/** Makes the refusal of a body, or of what stands for it. */
export function tooLong(maxBytes: number): Refusal {
  return new Refusal("resource_exhausted", `the body is longer than ${maxBytes} bytes`, {
    status: 413,
    reason: "too_large",
  });
}
