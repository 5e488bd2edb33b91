/** What `TrimmableStore` promises: the beginning of a stream goes, as it was seen, and its end stays. */
import type { Store, TrimmableStore } from "../../store/store.js";
import { expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { expectStream, records } from "./sample-records.js";

/** The cases of the contract. */
export const trimCases: readonly ConformanceCase[] = [
  {
    name: "trim: the first records go, the others stay, and the stream goes on behind its end",
    needs: ["trim"],
    async run(context) {
      const store = await openStore(context);
      const [id, other] = [context.id("trimmed"), context.id("other")];
      for (const each of [id, other]) for (let v = 1n; v <= 6n; v++) await store.save(each, records(v, v));
      await store.cutBeginning(id, records(1n, 2n));
      await store.cutBeginning(id, records(3n, 4n));
      await expectStream(store, id, records(5n, 6n));
      await store.save(id, records(7n, 7n));
      await expectStream(store, id, records(5n, 7n));
      await expectStream(store, other, records(1n, 6n));
      await expectError("version_conflict", store.save(id, records(6n, 6n)), { aggregateId: id });
    },
  },
  {
    name: "trim: expired records go with those around them",
    needs: ["trim"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("expired");
      const ttl = context.clock.now() / 1_000_000n + 10n;
      await store.save(id, records(1n, 1n, { ttl }));
      await store.save(id, records(2n, 2n));
      await store.save(id, records(3n, 3n));
      context.clock.advanceSeconds(11);
      await store.cutBeginning(id, [...records(1n, 1n, { ttl }), ...records(2n, 2n)]);
      await expectStream(store, id, records(3n, 3n));
    },
  },
  {
    name: "trim: a beginning that isn't as it was seen is a version_conflict, and stays",
    needs: ["trim"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("changed");
      for (let v = 1n; v <= 3n; v++) await store.save(id, records(v, v));
      const [first, second] = records(1n, 2n);
      if (first === undefined || second === undefined) throw new Error("there are two records");
      for (const seen of [[second], [{ ...first, data: Uint8Array.of(7) }], [{ ...first, ttl: 7n }], [first, first]]) {
        await expectError("version_conflict", store.cutBeginning(id, seen), { aggregateId: id });
      }
      await expectError("version_conflict", store.cutBeginning(context.id("none"), [first]));
      await expectStream(store, id, records(1n, 3n));
    },
  },
  {
    name: "trim: no stream is taken away whole, and what can't be cut is invalid_argument",
    needs: ["trim"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("whole");
      for (let v = 1n; v <= 2n; v++) await store.save(id, records(v, v));
      await expectError("invalid_argument", store.cutBeginning(id, records(1n, 2n)));
      await expectError("invalid_argument", store.cutBeginning(id, []));
      await expectError("invalid_argument", store.cutBeginning("", records(1n, 1n)));
      await expectError("cancelled", store.cutBeginning(id, records(1n, 1n), { signal: AbortSignal.abort() }));
      await expectStream(store, id, records(1n, 2n));
    },
  },
];

async function openStore(context: ConformanceContext): Promise<Store & TrimmableStore> {
  const { store } = await context.open();
  expectTrue("cutBeginning" in store, "the store has a method cutBeginning");
  return store as Store & TrimmableStore;
}
