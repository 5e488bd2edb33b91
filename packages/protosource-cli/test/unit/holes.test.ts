/** Whatever part of a transaction a scan sees: what it missed, and can know of, lies in a hole. */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { ScannedRecord } from "protosource-es";
import { StoredRecordSchema } from "protosource-es/proto";
import { expect, it } from "vitest";
import { type Hole, holesIn, type LastSeen } from "../../src/transfer/holes.js";

interface Scanned extends ScannedRecord {
  readonly isSeen: boolean;
}

/** The records of streams: saves of some records each, of which a scan sees some. */
const streams = fc
  .array(fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }), {
    maxLength: 4,
  })
  .map((streams): readonly Scanned[] =>
    streams.flatMap((saves, stream) => {
      const all = saves.flatMap((save) => save.map((isSeen, i) => ({ isSeen, following: save.length - 1 - i })));
      return all.map(({ isSeen, following }, i) => ({
        aggregateId: `p#${stream}`,
        record: create(StoredRecordSchema, { version: BigInt(i + 1) }),
        following,
        isSeen,
      }));
    }),
  );

it("leaves no record out that lies before one that was seen, or was stored with it", () => {
  fc.assert(
    fc.property(streams, fc.integer({ min: 1, max: 5 }), (all, pageSize) => {
      const seen = all.filter(({ isSeen }) => isSeen);
      const holes: Hole[] = [];
      let last: LastSeen | undefined;
      for (let first = 0; first === 0 || first < seen.length; first += pageSize) {
        const page = holesIn(seen.slice(first, first + pageSize), last, first + pageSize >= seen.length);
        holes.push(...page.holes);
        // It is kept as JSON between two runs.
        last = page.last && JSON.parse(JSON.stringify(page.last));
      }
      for (const { aggregateId, record, isSeen } of all) {
        const { version } = record;
        const containing = holes.filter(
          ({ streamId, from, to }) => streamId === aggregateId && from <= version && version <= to,
        );
        const isKnown = seen.some(
          (other) => other.aggregateId === aggregateId && other.record.version + BigInt(other.following) >= version,
        );
        expect(containing).toHaveLength(isKnown && !isSeen ? 1 : 0);
      }
    }),
  );
});
