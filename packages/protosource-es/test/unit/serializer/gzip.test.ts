import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { isProtosourceError } from "protosource-es";
import {
  compress,
  DEFAULT_COMPRESS_THRESHOLD,
  DEFAULT_INFLATE_LIMIT,
  decompress,
  isCompressed,
} from "protosource-es/serializer";
import { describe, expect, it } from "vitest";

function corrupt(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (isProtosourceError(error, "corrupt_record")) return error.details.key;
    throw error;
  }
  return "nothing was thrown";
}

describe("compress and decompress", () => {
  it("give back what was given, at any length and threshold", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.integer({ min: -1, max: 1_000 }), (data, threshold) => {
        // What looks compressed is taken for compressed, and no message and no JSON does.
        fc.pre(!isCompressed(data));
        const stored = compress(data, threshold);
        expect(isCompressed(stored)).toBe(threshold > 0 && data.length >= threshold);
        expect(decompress(stored, "key")).toEqual(data);
      }),
    );
  });

  it("begin at 300 bytes, and keep the result even if it is longer", () => {
    const noise = crypto.getRandomValues(new Uint8Array(DEFAULT_COMPRESS_THRESHOLD));
    noise[0] = 0x0a;
    expect(compress(noise.subarray(1))).toEqual(noise.subarray(1));
    expect(isCompressed(compress(noise))).toBe(true);
    expect(compress(noise).length).toBeGreaterThan(noise.length);
  });

  it("keep no more in memory than the data takes", () => {
    const texts = Array.from({ length: 500 }, (_, i) => new TextEncoder().encode(`event ${i} `.repeat(40)));
    const held = (arrays: readonly Uint8Array[]): number =>
      [...new Set(arrays.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);
    const stored = texts.map((text) => compress(text));
    const unpacked = stored.map((data) => decompress(data, "key"));
    const length = texts.reduce((sum, text) => sum + text.length, 0);
    expect(unpacked).toEqual(texts);
    expect(held(unpacked)).toBeLessThan(2 * length);
    expect(held(stored)).toBeLessThan(2 * length);
  });

  it("unpack data that says that it is of another length", () => {
    const whole = gzipSync(new Uint8Array(100_000).fill(7));
    for (const said of [0, 99_999, 100_001, 2 ** 32 - 1]) {
      const data = new Uint8Array(whole);
      new DataView(data.buffer).setUint32(data.length - 4, said, true);
      expect(corrupt(() => decompress(data, "the item"))).toBe("the item");
    }
    expect(decompress(whole, "key")).toHaveLength(100_000);
  });

  it("make plain arrays of bytes", () => {
    const stored = compress(new Uint8Array(1_000));
    expect(Object.getPrototypeOf(stored)).toBe(Uint8Array.prototype);
    expect(Object.getPrototypeOf(decompress(stored, "key"))).toBe(Uint8Array.prototype);
  });

  it("read what Go compressed", () => {
    const golden = JSON.parse(readFileSync(new URL("../../golden/order_v1.json", import.meta.url), "utf8")) as {
      readonly events: readonly { readonly d: { readonly B: string } }[];
    };
    const compressed = golden.events.map(({ d }) => new Uint8Array(Buffer.from(d.B, "base64"))).filter(isCompressed);
    expect(compressed.length).toBeGreaterThan(0);
    for (const data of compressed) expect(decompress(data, "key").length).toBeGreaterThanOrEqual(300);
  });

  it("read several members after each other, as Go does", () => {
    const members = Buffer.concat([gzipSync("one"), gzipSync("two")]);
    expect(new TextDecoder().decode(decompress(members, "key"))).toBe("onetwo");
  });

  it("name the item when the data is damaged", () => {
    const whole = compress(new Uint8Array(1_000).fill(7));
    for (const length of [2, 5, 10, whole.length - 8, whole.length - 1]) {
      expect(corrupt(() => decompress(whole.subarray(0, length), "the item"))).toBe("the item");
    }
    const wrong = whole.slice();
    wrong[wrong.length - 5] = (wrong.at(-5) ?? 0) ^ 0xff;
    expect(corrupt(() => decompress(wrong, "the item"))).toBe("the item");
  });

  it("stop at the limit, so that a small item can't fill the memory", () => {
    const bomb = gzipSync(Buffer.alloc(DEFAULT_INFLATE_LIMIT + 1));
    expect(bomb.length).toBeLessThan(400_000);
    expect(corrupt(() => decompress(bomb, "the item"))).toBe("the item");
    expect(decompress(gzipSync(Buffer.alloc(1_000)), "key", 1_000).length).toBe(1_000);
    expect(corrupt(() => decompress(gzipSync(Buffer.alloc(1_001)), "the item", 1_000))).toBe("the item");
  });
});
