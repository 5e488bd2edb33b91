/** Gzip in the page does what Node's does, of what is whole and of what is damaged. */
import * as node from "node:zlib";
import * as page from "@protosource-es/studio/engine/zlib";
import fc from "fast-check";
import { expect, it } from "vitest";

const DATA = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.array(fc.constantFrom(1, 2, 3), { maxLength: 2000 }).map((bytes) => Uint8Array.from(bytes)),
);

/** Gives what comes of it, or that it is refused. */
function outcome(work: () => Uint8Array): readonly number[] | "refused" {
  try {
    return [...work()];
  } catch {
    return "refused";
  }
}

it("unpacks what was packed there, and packs what can be unpacked there", () => {
  fc.assert(
    fc.property(DATA, (data) => {
      expect([...page.gunzipSync(node.gzipSync(data))]).toEqual([...data]);
      expect([...node.gunzipSync(page.gzipSync(data))]).toEqual([...data]);
    }),
  );
  // As the program gzip does, which writes the file's name.
  const named = node.gzipSync("orders");
  named[3] = 0x08;
  expect(page.gunzipSync(Buffer.concat([named.subarray(0, 10), Buffer.from("a.txt\0"), named.subarray(10)]))).toEqual(
    new TextEncoder().encode("orders"),
  );
  for (const length of [0, 0xffff, 0x1_0000, 200_000]) {
    const data = Uint8Array.from({ length }, (_, i) => i % 251);
    expect(node.gunzipSync(page.gzipSync(data)).equals(data)).toBe(true);
  }
});

it("refuses what is refused there: cut off, or changed in any bit", () => {
  fc.assert(
    fc.property(DATA, fc.nat(), fc.nat({ max: 7 }), (data, at, bit) => {
      const packed = node.gzipSync(data);
      const place = at % packed.length;
      const changed = Uint8Array.from(packed);
      changed[place] = (changed[place] as number) ^ (1 << bit);
      for (const damaged of [changed, packed.subarray(0, place)]) {
        expect(outcome(() => page.gunzipSync(damaged))).toEqual(outcome(() => node.gunzipSync(damaged)));
      }
    }),
    { numRuns: 500 },
  );
});

it("refuses what is larger than allowed, also where its end says less", () => {
  const packed = node.gzipSync(new Uint8Array(10_000));
  expect(page.gunzipSync(packed, { maxOutputLength: 10_000 })).toHaveLength(10_000);
  expect(outcome(() => page.gunzipSync(packed, { maxOutputLength: 9_999 }))).toBe("refused");
  packed.writeUInt32LE(100, packed.length - 4);
  expect(outcome(() => page.gunzipSync(packed, { maxOutputLength: 9_999 }))).toBe("refused");
});
