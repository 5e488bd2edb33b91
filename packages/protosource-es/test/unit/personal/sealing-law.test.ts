/** The law of sealing: what is opened where it was sealed is what it was, and nothing opens anywhere else. */
import { create, equals, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { memoryKeyStore } from "protosource-es/memory";
import { createKeyring } from "protosource-es/personal";
import { expect, test } from "vitest";
import { PersonSchema } from "../../gen/example/app/people/v1/people_v1_pb.js";

const keyring = createKeyring(memoryKeyStore());
const text = fc.string({ maxLength: 12, unit: "grapheme" }).filter((one) => one !== "__proto__");
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const address = fc.record({
  lines: fc.array(text, { maxLength: 3 }),
  country: text,
  point: int64,
  notes: fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }),
});
const parcel = fc.record({
  recipientId: fc.constantFrom("ben", "cleo"),
  address: fc.option(address, { nil: undefined }),
  weight: int64,
});
const person: fc.Arbitrary<MessageInitShape<typeof PersonSchema>> = fc.record({
  id: fc.constantFrom("ann", "ben"),
  email: text,
  name: text,
  plan: text,
  parcels: fc.dictionary(text, parcel, { maxKeys: 3, noNullPrototype: true }),
});

/** Seals a message, and gives it as it is stored. */
async function sealed(init: MessageInitShape<typeof PersonSchema>, place: string) {
  const message = create(PersonSchema, init);
  const before = toBinary(PersonSchema, message);
  const { seal } = await keyring.sealer([[PersonSchema, message]]);
  const bytes = toBinary(PersonSchema, seal(PersonSchema, message, place) as typeof message);
  expect(toBinary(PersonSchema, message)).toEqual(before);
  return { message, bytes, again: toBinary(PersonSchema, seal(PersonSchema, message, place) as typeof message) };
}

async function opened(bytes: Uint8Array, place: string) {
  const message = fromBinary(PersonSchema, bytes);
  const open = await keyring.opener([[PersonSchema, message]]);
  open(PersonSchema, message, place, "the record");
  return message;
}

test("what is sealed opens as it was, and is sealed alike again", () =>
  fc.assert(
    fc.asyncProperty(person, text, async (init, place) => {
      const { message, bytes, again } = await sealed(init, place);
      expect(again).toEqual(bytes);
      const read = await opened(bytes, place);
      expect(equals(PersonSchema, read, message)).toBe(true);
      expect(read.$unknown).toBeUndefined();
    }),
  ));

test("what is long opens as it was, at each length where the number that says it grows", async () => {
  const short = Array.from({ length: 130 }, (_, length) => length);
  // That of the ciphertext grows to three bytes at 16,384, and so does that of the envelope some bytes before.
  const long = [16_303, 16_304, 16_305, 16_306, 16_307, 16_362, 16_363, 16_364, 16_365, 16_366];
  for (const length of [...short, ...long]) {
    const { message, bytes } = await sealed({ id: "ann", name: "x".repeat(length) }, "a place");
    expect(equals(PersonSchema, await opened(bytes, "a place"), message)).toBe(true);
  }
});

test("what was changed or sealed elsewhere is corrupt_record", () =>
  fc.assert(
    fc.asyncProperty(person, text, fc.nat(), async (init, place, at) => {
      const { bytes } = await sealed({ ...init, name: "Ann Lee" }, `${place} of one`);
      const elsewhere = await opened(bytes, `${place} of another`).catch((error: unknown) => error);
      expect(elsewhere).toMatchObject({ code: "corrupt_record", details: { key: "the record" } });
      const message = fromBinary(PersonSchema, bytes);
      const [envelope] = message.$unknown ?? [];
      if (envelope === undefined) throw new Error("nothing is sealed");
      // Its end is the ciphertext, of at least the 16 bytes that prove it.
      const index = envelope.data.length - 1 - (at % 16);
      envelope.data[index] = (envelope.data[index] as number) ^ 1;
      const damaged = await opened(toBinary(PersonSchema, message), `${place} of one`).catch((error: unknown) => error);
      expect(damaged).toMatchObject({ code: "corrupt_record" });
      const moved = fromBinary(PersonSchema, bytes);
      moved.id = moved.id === "ann" ? "ben" : "ann";
      const another = await opened(toBinary(PersonSchema, moved), `${place} of one`).catch((error: unknown) => error);
      expect(another).toMatchObject({ code: "corrupt_record" });
    }),
  ));

test("what is damaged anywhere opens as it was or not at all, and is never taken for erased", () =>
  fc.assert(
    fc.asyncProperty(person, fc.nat(), fc.integer({ min: 1, max: 255 }), async (init, at, change) => {
      const { message, bytes } = await sealed({ ...init, name: "Ann Lee" }, "here");
      const stored = fromBinary(PersonSchema, bytes);
      const [envelope] = stored.$unknown ?? [];
      if (envelope === undefined) throw new Error("nothing is sealed");
      const index = at % envelope.data.length;
      envelope.data[index] = (envelope.data[index] as number) ^ change;
      const open = await keyring.opener([[PersonSchema, stored]]);
      try {
        open(PersonSchema, stored, "here", "the record");
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(corrupt_record|key_missing)$/) });
        return;
      }
      expect(equals(PersonSchema, stored, message)).toBe(true);
    }),
  ));
