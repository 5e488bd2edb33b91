/** What `Store` promises: streams, conflicts, repeated saves, expiry, bad input. */
import { epochSeconds } from "../../clock.js";
import { isProtosourceError } from "../../errors.js";
import type { SaveOptions, Store, StoredRecord } from "../../store/store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { bytes, expectHistory, expectStream, record, records, versions } from "./sample-records.js";

const MAX_INT64 = 2n ** 63n - 1n;
const COMMIT_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const OTHER_COMMIT_ID = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);

const savingAndLoading: readonly ConformanceCase[] = [
  {
    name: "store: an unknown stream is empty",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      await expectStream(store, context.id("unknown"), []);
    },
  },
  {
    name: "store: a record is loaded as it was saved",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("one");
      await store.save(id, [record(1n)]);
      await expectStream(store, id, [record(1n)]);
    },
  },
  {
    name: "store: what is known of a save is kept with its first record, in 256 bytes at most",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("meta");
      const meta = bytes(256);
      const saved = [record(1n, { meta }), record(2n), record(3n, { meta: new Uint8Array() })];
      await store.save(id, saved);
      await store.save(id, [record(4n, { meta })]);
      await expectStream(store, id, [...saved, record(4n, { meta })]);
      const longer = [record(5n, { meta: bytes(257) })];
      await expectError("too_large", store.save(id, longer));
      await expectStream(store, id, [...saved, record(4n, { meta })]);
    },
  },
  {
    name: "store: several records of one save are loaded",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("several");
      await store.save(id, records(1n, 3n));
      await expectStream(store, id, records(1n, 3n));
    },
  },
  {
    name: "store: a stream grows from save to save",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("grows");
      await store.save(id, records(1n, 2n));
      await store.save(id, [record(3n)]);
      await store.save(id, records(4n, 6n));
      await expectStream(store, id, records(1n, 6n));
    },
  },
  {
    name: "store: another client sees what was saved",
    needs: [],
    async run(context) {
      const writer = await context.open();
      const reader = await context.open();
      const id = context.id("shared");
      await writer.store.save(id, records(1n, 2n));
      await reader.store.save(id, [record(3n)]);
      await expectStream(writer.store, id, records(1n, 3n));
    },
  },
  {
    name: "store: versions are ordered as numbers, not as text",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("numeric-order");
      for (const one of records(1n, 12n)) await store.save(id, [one]);
      expectEqual(versions(await store.load(id)), [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n, 11n, 12n], "versions");
    },
  },
  {
    name: "store: a save without records does nothing",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("nothing");
      await store.save(id, []);
      await expectStream(store, id, []);
      await store.save(id, records(1n, 2n));
      await store.save(id, []);
      await expectStream(store, id, records(1n, 2n));
    },
  },
  {
    name: "store: data of no bytes is kept",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("empty-data");
      const empty = [record(1n, { data: new Uint8Array() }), record(2n, { data: new Uint8Array() })];
      await store.save(id, empty);
      await expectStream(store, id, empty);
    },
  },
  {
    name: "store: data is kept byte for byte",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("every-byte");
      const everyByte = [record(1n, { data: Uint8Array.from({ length: 256 }, (_, i) => i) })];
      await store.save(id, everyByte);
      await expectStream(store, id, everyByte);
    },
  },
  {
    name: "store: data that looks compressed is kept as it is",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("gzip-magic");
      const magic = [record(1n, { data: Uint8Array.of(0x1f, 0x8b, 0x08, 0x00) })];
      await store.save(id, magic);
      await expectStream(store, id, magic);
    },
  },
  {
    name: "store: a view of a larger buffer is kept without its surroundings",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("view");
      await store.save(id, [record(1n, { data: bytes(64).subarray(16, 32) })]);
      await expectStream(store, id, [record(1n, { data: bytes(64).slice(16, 32) })]);
    },
  },
  {
    name: "store: a record of 300 KB is kept",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("large-record");
      const large = [record(1n, { data: bytes(300_000) })];
      await store.save(id, large);
      await expectStream(store, id, large);
    },
  },
  {
    name: "store: one save takes 99, 100 and 101 records",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      for (const count of [99n, 100n, 101n]) {
        const id = context.id(`save-of-${count}`);
        await store.save(id, records(1n, count));
        await expectStream(store, id, records(1n, count));
      }
    },
  },
  {
    name: "store: one save takes 250 records",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("save-of-250");
      await store.save(id, records(1n, 250n));
      await expectStream(store, id, records(1n, 250n));
    },
  },
  {
    name: "store: one save takes more than 4 MB",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("save-of-5-mb");
      const large = records(1n, 20n).map(({ version }) => record(version, { data: bytes(250_000) }));
      await store.save(id, large);
      await expectStream(store, id, large);
    },
  },
  {
    name: "store: a stream of more than 1 MB is loaded whole",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("load-of-3-mb");
      const large = records(1n, 30n).map(({ version }) => record(version, { data: bytes(100_000) }));
      for (let i = 0; i < large.length; i += 10) await store.save(id, large.slice(i, i + 10));
      await expectStream(store, id, large);
    },
  },
  {
    name: "store: a stream of 600 records is loaded whole",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("load-of-600");
      for (let first = 1n; first < 600n; first += 100n) await store.save(id, records(first, first + 99n));
      await expectStream(store, id, records(1n, 600n));
    },
  },
  {
    name: "store: a load sees a save of several records whole or not at all",
    needs: [],
    async run(context) {
      const writer = await context.open();
      const reader = await context.open();
      const id = context.id("whole-or-not");
      let isDone = false;
      const write = async (): Promise<void> => {
        for (let first = 1n; first < 100n; first += 20n) await writer.store.save(id, records(first, first + 19n));
        isDone = true;
      };
      const read = async (): Promise<void> => {
        do {
          const { length } = (await reader.store.load(id)).records;
          expectEqual(length % 20, 0, `records of an unfinished save among ${length}`);
        } while (!isDone);
      };
      await Promise.all([write(), read(), read()]);
      await expectStream(reader.store, id, records(1n, 100n));
    },
  },
  {
    name: "store: streams are written side by side",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const ids = Array.from({ length: 10 }, (_, i) => context.id(`side-by-side-${i}`));
      await Promise.all(ids.map((id) => store.save(id, records(1n, 3n))));
      for (const id of ids) await expectStream(store, id, records(1n, 3n));
    },
  },
];

const ids: readonly ConformanceCase[] = [
  {
    name: "store: ids that begin alike are different streams",
    needs: [],
    async run(context) {
      const id = context.id("a");
      await expectSeparateStreams(context, [
        id,
        `${id}a`,
        `${id}#`,
        `${id}#1`,
        `${id}#10`,
        `${id} `,
        `${id}%`,
        `${id}_`,
      ]);
    },
  },
  {
    name: "store: ids that differ in case are different streams",
    needs: [],
    async run(context) {
      await expectSeparateStreams(context, [context.id("case-a"), context.id("case-A")]);
    },
  },
  {
    name: "store: ids that differ in Unicode form only are different streams",
    needs: [],
    async run(context) {
      await expectSeparateStreams(context, [context.id("caf\u00e9"), context.id("cafe\u0301")]);
    },
  },
  {
    name: "store: an id may hold quotes, slashes, spaces and line breaks",
    needs: [],
    async run(context) {
      await expectSeparateStreams(context, [context.id('it\'s "a" /\\ b\n\t; --'), context.id(" lead and trail ")]);
    },
  },
  {
    name: "store: an id may hold characters of every length in UTF-8",
    needs: [],
    async run(context) {
      await expectSeparateStreams(context, [context.id("aß€😀"), context.id("aß€😁")]);
    },
  },
  {
    name: "store: ids and JSON that name what every object inherits are kept, and change no object",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const before = Object.getOwnPropertyNames(Object.prototype).join();
      for (const name of ["__proto__", "constructor", "prototype", "hasOwnProperty"]) {
        const json = `{"${name}":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}`;
        const hostile = [record(1n, { data: new TextEncoder().encode(json) })];
        await store.save(context.id(name), hostile);
        await expectStream(store, context.id(name), hostile);
      }
      expectEqual(Object.getOwnPropertyNames(Object.prototype).join(), before, "properties of every object");
    },
  },
  {
    name: "store: an id may hold a NUL, and doesn't end there",
    needs: [],
    async run(context) {
      await expectSeparateStreams(context, [
        context.id("nul\u0000"),
        context.id("nul\u0000a"),
        context.id("nul\u0000b"),
      ]);
    },
  },
  {
    name: "store: an id of 2048 bytes works, and one byte more is too_large",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = longId(context, 2048);
      await store.save(id, [record(1n)]);
      await expectStream(store, id, [record(1n)]);
      const long = longId(context, 2049);
      await expectError("too_large", store.save(long, [record(1n)]), { size: 2049, limit: 2048 });
      await expectError("too_large", store.load(long), { size: 2049, limit: 2048 });
    },
  },
];

const badInput: readonly ConformanceCase[] = [
  {
    name: "store: an empty id is invalid_argument",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      await expectError("invalid_argument", store.save("", [record(1n)]), { argument: "aggregateId" });
      await expectError("invalid_argument", store.load(""), { argument: "aggregateId" });
    },
  },
  {
    name: "store: an id that UTF-8 can't hold is invalid_argument",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("half-\ud83d-pair");
      await expectError("invalid_argument", store.save(id, [record(1n)]), { argument: "aggregateId" });
      await expectError("invalid_argument", store.load(id), { argument: "aggregateId" });
    },
  },
  refusedSave("version 0", [record(0n)]),
  refusedSave("a negative version", [record(-1n)]),
  refusedSave("a version above int64", [record(MAX_INT64 + 1n)]),
  refusedSave("a gap between the records of a save", [record(1n), record(3n)]),
  refusedSave("a version twice in a save", [record(1n), record(1n)]),
  refusedSave("records in descending order", [record(2n), record(1n)]),
  refusedSave("a ttl above int64", [record(1n, { ttl: MAX_INT64 + 1n })]),
  {
    name: "store: a record over 400 KB is too_large, and nothing is stored",
    needs: ["item-limit"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("over-400-kb");
      const large = (version: bigint): StoredRecord => record(version, { data: bytes(410_000) });
      await expectError("too_large", store.save(id, [large(1n)]), { limit: 409_600 });
      await expectError("too_large", store.save(id, [record(1n), large(2n)]), { limit: 409_600 });
      await expectError("too_large", store.save(id, [...records(1n, 149n), large(150n)]), { limit: 409_600 });
      await expectStream(store, id, []);
    },
  },
  {
    name: "store: a commit id that doesn't have 8 bytes is invalid_argument",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("commit-id");
      for (const commitId of [new Uint8Array(), new Uint8Array(7), new Uint8Array(9)]) {
        await expectError("invalid_argument", store.save(id, [record(1n)], { commitId }), { argument: "commitId" });
      }
      await expectStream(store, id, []);
    },
  },
  {
    name: "store: a save with an aborted signal is cancelled and stores nothing",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      for (const count of [1n, 5n]) {
        const id = context.id(`aborted-${count}`);
        await expectError("cancelled", store.save(id, records(1n, count), { signal: AbortSignal.abort() }));
        await expectStream(store, id, []);
      }
    },
  },
  {
    name: "store: a load with an aborted signal is cancelled",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      await expectError("cancelled", store.load(context.id("aborted-load"), { signal: AbortSignal.abort() }));
    },
  },
  {
    name: "store: a signal that isn't aborted changes nothing",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const { signal } = new AbortController();
      const id = context.id("quiet-signal");
      await store.save(id, records(1n, 2n), { signal });
      expectHistory(await store.load(id, { signal }), records(1n, 2n));
    },
  },
];

const conflicts: readonly ConformanceCase[] = [
  {
    name: "store: one record of a version that exists is a version_conflict",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-of-one");
      await store.save(id, records(1n, 3n));
      await expectError("version_conflict", store.save(id, [other(3n)]), { aggregateId: id, version: 3n });
      await expectStream(store, id, records(1n, 3n));
    },
  },
  {
    name: "store: a conflict is found at the beginning of a stream, too",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-at-1");
      await store.save(id, records(1n, 3n));
      await expectError("version_conflict", store.save(id, [other(1n)]), { aggregateId: id, version: 1n });
      await expectStream(store, id, records(1n, 3n));
    },
  },
  {
    name: "store: a conflict of several records names the first version that exists",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-of-several");
      await store.save(id, records(1n, 4n));
      const late = [other(3n), other(4n)];
      await expectError("version_conflict", store.save(id, late), { aggregateId: id, version: 3n });
      await expectStream(store, id, records(1n, 4n));
    },
  },
  {
    name: "store: a save of which one version exists stores none of its records",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-at-first");
      await store.save(id, records(1n, 2n));
      const late = [other(2n), other(3n), other(4n)];
      await expectError("version_conflict", store.save(id, late), { aggregateId: id, version: 2n });
      await expectStream(store, id, records(1n, 2n));
    },
  },
  {
    name: "store: a save of 250 records of which the first exists stores none of them",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-of-250");
      await store.save(id, records(1n, 5n));
      await expectError("version_conflict", store.save(id, records(5n, 254n)), { aggregateId: id, version: 5n });
      await expectStream(store, id, records(1n, 5n));
    },
  },
  {
    name: "store: a version within an earlier save is a version_conflict, whatever else the options say",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("within");
      await store.save(id, records(1n, 5n));
      const options: SaveOptions & Record<string, unknown> = { atEnd: true, beyondEnd: true };
      for (const first of [2n, 4n, 5n]) {
        await expectError("version_conflict", store.save(id, [other(first)], options), { version: first });
        await expectError("version_conflict", store.save(id, records(first, 7n), options));
        await expectStream(store, id, records(1n, 5n));
      }
    },
  },
  {
    name: "store: the same bytes by another writer are a version_conflict",
    needs: [],
    async run(context) {
      const first = await context.open();
      const second = await context.open();
      for (const count of [1n, 3n]) {
        const id = context.id(`same-bytes-${count}`);
        await first.store.save(id, records(1n, count));
        const repeated = second.store.save(id, records(1n, count));
        await expectError("version_conflict", repeated, { aggregateId: id, version: 1n });
        await expectStream(second.store, id, records(1n, count));
      }
    },
  },
  {
    name: "store: a stream goes on after a conflict",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("after-conflict");
      await store.save(id, [record(1n)]);
      await expectError("version_conflict", store.save(id, [other(1n)]));
      await expectError("version_conflict", store.save(id, [other(1n), other(2n)]));
      await store.save(id, records(2n, 3n));
      await expectStream(store, id, records(1n, 3n));
    },
  },
  {
    name: "store: of 8 writers of one record, one wins and the others conflict",
    needs: [],
    run: (context) => race(context, 1n),
  },
  {
    name: "store: of 8 writers of 5 records, one wins whole and the others conflict",
    needs: [],
    run: (context) => race(context, 5n),
  },
  {
    name: "store: writers who reload after a conflict lose nothing",
    needs: [],
    async run(context) {
      const clients = [await context.open(), await context.open(), await context.open()];
      const id = context.id("counter");
      await Promise.all(clients.map(({ store }) => append(store, id, 5)));
      const [{ store }] = clients as [(typeof clients)[number]];
      await expectStream(store, id, records(1n, 15n));
    },
  },
  {
    name: "store: a save beyond the end of a stream is a version_conflict",
    needs: ["refuses-gaps"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("beyond-the-end");
      await expectError("version_conflict", store.save(id, [record(2n)]), { aggregateId: id });
      await store.save(id, [record(1n)]);
      await expectError("version_conflict", store.save(id, [record(3n)]), { aggregateId: id });
      await expectError("version_conflict", store.save(id, records(3n, 5n)), { aggregateId: id });
      await expectStream(store, id, [record(1n)]);
    },
  },
  {
    name: "store: a save beyond the end of a stream is found by the next load",
    needs: ["finds-gaps-on-read"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("beyond-the-end");
      await store.save(id, records(1n, 2n));
      await store.save(id, records(5n, 6n));
      await expectError("corrupt_stream", store.load(id), { aggregateId: id, problem: "gap", version: 3n });
    },
  },
];

const foreignRecords: readonly ConformanceCase[] = [
  {
    name: "store: a record of another program is loaded",
    needs: ["raw-records"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("foreign");
      await context.writeRaw(id, record(1n));
      await store.save(id, [record(2n)]);
      await expectStream(store, id, records(1n, 2n));
    },
  },
  {
    name: "store: a record of another program is a version_conflict, whatever the commit id and the bytes",
    needs: ["raw-records"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("foreign-conflict");
      await context.writeRaw(id, record(1n));
      for (const last of [1n, 3n]) {
        const repeated = store.save(id, records(1n, last), { commitId: COMMIT_ID });
        await expectError("version_conflict", repeated, { aggregateId: id, version: 1n });
      }
      await expectStream(store, id, [record(1n)]);
    },
  },
  {
    name: "store: a conflict in the middle of a save stores none of its records",
    needs: ["raw-records"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-in-the-middle");
      await context.writeRaw(id, record(2n));
      await expectError("version_conflict", store.save(id, records(1n, 3n)), { aggregateId: id, version: 2n });
      await expectStream(store, id, [record(2n)]);
    },
  },
  {
    name: "store: a conflict at the last record of a save stores none of its records",
    needs: ["raw-records"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-at-the-last");
      await context.writeRaw(id, record(3n));
      await expectError("version_conflict", store.save(id, records(1n, 3n)), { aggregateId: id, version: 3n });
      await expectStream(store, id, [record(3n)]);
    },
  },
  {
    name: "store: a conflict far into a large save stores none of its records",
    needs: ["raw-records", "atomic-saves"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-at-150");
      await context.writeRaw(id, record(150n));
      await expectError("version_conflict", store.save(id, records(1n, 250n)), { aggregateId: id, version: 150n });
      await expectStream(store, id, [record(150n)]);
    },
  },
  {
    name: "store: a conflict after the first batch of a large save is a partial_save",
    needs: ["raw-records", "batched-saves"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("conflict-at-150");
      await context.writeRaw(id, record(150n));
      const saved = store.save(id, records(1n, 250n), { commitId: COMMIT_ID });
      await expectError("partial_save", saved, { aggregateId: id, committed: 100n, commitId: COMMIT_ID });
      await expectError("corrupt_stream", store.load(id), { problem: "gap", version: 101n });
    },
  },
  {
    name: "store: a stream with a gap is a corrupt_stream that names the missing version",
    needs: ["raw-records"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("gap");
      for (const version of [1n, 2n, 4n, 6n]) await context.writeRaw(id, record(version));
      await expectError("corrupt_stream", store.load(id), { aggregateId: id, problem: "gap", version: 3n });
    },
  },
  {
    name: "store: a stream whose first records are gone is loaded",
    needs: ["raw-records"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("no-beginning");
      for (const version of [7n, 8n]) await context.writeRaw(id, record(version));
      await store.save(id, [record(9n)]);
      await expectStream(store, id, records(7n, 9n));
    },
  },
  {
    name: "store: versions above 2^53 are exact",
    needs: ["raw-records"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("above-2-to-53");
      const first = 2n ** 53n;
      await context.writeRaw(id, record(first));
      await store.save(id, [record(first + 1n)]);
      await store.save(id, records(first + 2n, first + 4n));
      await expectError("version_conflict", store.save(id, [record(first + 3n)]), { version: first + 3n });
      await expectStream(store, id, records(first, first + 4n));
    },
  },
  {
    name: "store: a stream may reach the version 2^63 - 1",
    needs: ["raw-records"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("last-version");
      await context.writeRaw(id, record(MAX_INT64 - 2n));
      await store.save(id, records(MAX_INT64 - 1n, MAX_INT64));
      await expectStream(store, id, records(MAX_INT64 - 2n, MAX_INT64));
    },
  },
];

const repeatedSaves: readonly ConformanceCase[] = [
  {
    name: "store: a repeated save with its commit id completes and doubles nothing",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      for (const count of [1n, 5n, 100n]) {
        const id = context.id(`repeated-${count}`);
        await store.save(id, records(1n, count), { commitId: COMMIT_ID });
        await store.save(id, records(1n, count), { commitId: COMMIT_ID });
        await expectStream(store, id, records(1n, count));
      }
    },
  },
  {
    name: "store: a commit id used again for more, fewer or other records is a version_conflict, and stores nothing",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      for (const count of [1n, 2n, 5n]) {
        const id = context.id(`used-again-${count}`);
        const stored = records(1n, count);
        await store.save(id, stored, { commitId: COMMIT_ID });
        const others = [
          records(1n, count + 1n),
          ...stored.map((_, i) => stored.map((one, k) => (k === i ? record(one.version, { data: bytes(7) }) : one))),
          ...(count > 1n ? [records(1n, count - 1n)] : []),
        ];
        for (const other of others) {
          const saved = store.save(id, other, { commitId: COMMIT_ID });
          await expectError("version_conflict", saved, { aggregateId: id, version: 1n });
        }
        await store.save(id, stored, { commitId: COMMIT_ID });
        await expectStream(store, id, stored);
      }
    },
  },
  {
    name: "store: a repeated save of 250 records with its commit id doubles nothing",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("repeated-250");
      await store.save(id, records(1n, 250n), { commitId: COMMIT_ID });
      await store.save(id, records(1n, 250n), { commitId: COMMIT_ID });
      await expectStream(store, id, records(1n, 250n));
    },
  },
  {
    name: "store: a save of which only the first batch is stored is completed with its commit id",
    needs: ["batched-saves"],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("completed");
      await store.save(id, records(1n, 100n), { commitId: COMMIT_ID });
      await store.save(id, records(1n, 250n), { commitId: COMMIT_ID });
      await expectStream(store, id, records(1n, 250n));
    },
  },
  {
    name: "store: a save may be repeated after the stream went on, and by another client",
    needs: [],
    async run(context) {
      const first = await context.open();
      const second = await context.open();
      for (const count of [1n, 4n]) {
        const id = context.id(`repeated-later-${count}`);
        await first.store.save(id, records(1n, count), { commitId: COMMIT_ID });
        await first.store.save(id, [record(count + 1n)]);
        await second.store.save(id, records(1n, count), { commitId: COMMIT_ID });
        await expectStream(second.store, id, records(1n, count + 1n));
      }
    },
  },
  {
    name: "store: a save that is sent twice at once is stored once, and both complete",
    needs: [],
    async run(context) {
      const first = await context.open();
      const second = await context.open();
      for (const count of [1n, 4n]) {
        const id = context.id(`sent-twice-${count}`);
        await Promise.all(
          [first, second].map(({ store }) => store.save(id, records(1n, count), { commitId: COMMIT_ID })),
        );
        await expectStream(first.store, id, records(1n, count));
      }
    },
  },
  {
    name: "store: another commit id is another save, and conflicts",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      for (const count of [1n, 4n]) {
        const id = context.id(`other-commit-${count}`);
        await store.save(id, records(1n, count), { commitId: COMMIT_ID });
        const repeated = store.save(id, records(1n, count), { commitId: OTHER_COMMIT_ID });
        await expectError("version_conflict", repeated, { aggregateId: id, version: 1n });
      }
    },
  },
  {
    name: "store: a repeated save keeps the expiry of the first",
    needs: [],
    async run(context) {
      const { store } = await context.open({ ttlSeconds: 100 });
      for (const count of [1n, 3n]) {
        const id = context.id(`repeated-expiry-${count}`);
        const ttl = epochSeconds(context.clock) + 100n;
        await store.save(id, records(1n, count), { commitId: COMMIT_ID });
        context.clock.advanceSeconds(5);
        await store.save(id, records(1n, count), { commitId: COMMIT_ID });
        await expectStream(store, id, records(1n, count, { ttl }));
      }
    },
  },
];

const expiry: readonly ConformanceCase[] = [
  {
    name: "expiry: without any ttl, or with one of 0 or less, a record never expires",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("no-ttl");
      await store.save(id, [record(1n), record(2n, { ttl: -1n })]);
      context.clock.advanceSeconds(1_000_000_000);
      await expectStream(store, id, records(1n, 2n, { ttl: 0n }));
    },
  },
  {
    name: "expiry: the store's time to live is counted from the save and filled in by the load",
    needs: [],
    async run(context) {
      const { store } = await context.open({ ttlSeconds: 60 });
      const id = context.id("store-ttl");
      const start = epochSeconds(context.clock);
      await store.save(id, [record(1n)]);
      context.clock.advanceSeconds(10);
      await store.save(id, records(2n, 3n));
      await expectStream(store, id, [record(1n, { ttl: start + 60n }), ...records(2n, 3n, { ttl: start + 70n })]);
    },
  },
  {
    name: "expiry: a time to live of 0 or less is none",
    needs: [],
    async run(context) {
      for (const ttlSeconds of [0, -1]) {
        const { store } = await context.open({ ttlSeconds });
        const id = context.id(`store-ttl-${ttlSeconds}`);
        await store.save(id, [record(1n)]);
        await expectStream(store, id, [record(1n)]);
      }
    },
  },
  {
    name: "expiry: a record's own ttl beats the store's",
    needs: [],
    async run(context) {
      const { store } = await context.open({ ttlSeconds: 60 });
      const id = context.id("own-ttl");
      const now = epochSeconds(context.clock);
      const own = [record(1n, { ttl: now + 5n }), record(2n, { ttl: now + 6000n })];
      await store.save(id, own);
      await expectStream(store, id, own);
    },
  },
  {
    name: "expiry: a record's own ttl counts in a store without one",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("own-ttl-alone");
      const own = [record(1n, { ttl: epochSeconds(context.clock) + 5n })];
      await store.save(id, own);
      await expectStream(store, id, own);
    },
  },
  {
    name: "expiry: a ttl of 2^63 - 1 is kept",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("last-ttl");
      await store.save(id, [record(1n, { ttl: MAX_INT64 })]);
      await expectStream(store, id, [record(1n, { ttl: MAX_INT64 })]);
    },
  },
  {
    name: "expiry: a record counts until the second before its ttl",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("boundary");
      const expiring = [record(1n, { ttl: epochSeconds(context.clock) + 10n })];
      await store.save(id, expiring);
      context.clock.advanceSeconds(9);
      await expectStream(store, id, expiring);
      context.clock.advanceSeconds(1);
      await expectStream(store, id, []);
    },
  },
  {
    name: "expiry: expired records are left out, and later ones loaded",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("filtered");
      const ttl = epochSeconds(context.clock) + 10n;
      await store.save(id, [...records(1n, 2n, { ttl }), ...records(3n, 4n)]);
      context.clock.advanceSeconds(10);
      await expectStream(store, id, records(3n, 4n));
    },
  },
  {
    name: "expiry: includeExpired shows expired records that are still stored, in order",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("included");
      const ttl = epochSeconds(context.clock) + 10n;
      const all = [...records(1n, 2n, { ttl }), ...records(3n, 4n)];
      await store.save(id, all);
      context.clock.advanceSeconds(10);
      expectHistory(await store.load(id, { includeExpired: true }), all);
    },
  },
  {
    name: "expiry: an expired record that is still stored keeps its version",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("occupied");
      const expired = records(1n, 2n, { ttl: epochSeconds(context.clock) + 10n });
      await store.save(id, expired);
      context.clock.advanceSeconds(10);
      await expectError("version_conflict", store.save(id, [record(1n)]), { aggregateId: id, version: 1n });
      await expectError("version_conflict", store.save(id, records(2n, 3n)), { aggregateId: id, version: 2n });
      expectHistory(await store.load(id, { includeExpired: true }), expired);
    },
  },
  {
    name: "expiry: a stream goes on after its expired records",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("continued");
      await store.save(id, records(1n, 2n, { ttl: epochSeconds(context.clock) + 10n }));
      context.clock.advanceSeconds(10);
      await store.save(id, [record(3n)]);
      await expectStream(store, id, [record(3n)]);
    },
  },
  {
    name: "expiry: a record that expired between others leaves a corrupt_stream",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("hole");
      await store.save(id, [record(1n), record(2n, { ttl: epochSeconds(context.clock) + 10n }), record(3n)]);
      context.clock.advanceSeconds(10);
      await expectError("corrupt_stream", store.load(id), { aggregateId: id, problem: "gap", version: 2n });
    },
  },
];

const copies: readonly ConformanceCase[] = [
  {
    name: "store: changing records after they were saved changes nothing stored",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("changed-after-save");
      const saved = records(1n, 2n);
      await store.save(id, saved);
      for (const one of saved) {
        one.data.fill(0);
        one.version = 9n;
        one.ttl = 1n;
      }
      saved.length = 0;
      await expectStream(store, id, records(1n, 2n));
    },
  },
  {
    name: "store: changing a loaded history changes nothing stored",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("changed-after-load");
      await store.save(id, records(1n, 2n));
      const history = await store.load(id);
      for (const one of history.records) {
        one.data.fill(0);
        one.version = 9n;
        one.ttl = 1n;
      }
      history.records.length = 0;
      await expectStream(store, id, records(1n, 2n));
    },
  },
  {
    name: "store: a save changes neither its records nor its commit id",
    needs: [],
    async run(context) {
      const { store } = await context.open({ ttlSeconds: 60 });
      const saved = records(1n, 2n);
      const commitId = Uint8Array.from(COMMIT_ID);
      await store.save(context.id("unchanged"), saved, { commitId });
      expectEqual(commitId, COMMIT_ID, "commit id");
      expectEqual(
        saved.map(({ version, data, ttl }) => ({ version, data, ttl })),
        records(1n, 2n).map(({ version, data, ttl }) => ({ version, data, ttl })),
        "records that were saved",
      );
    },
  },
  {
    name: "store: changing a commit id after the save changes nothing stored",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("changed-commit-id");
      const commitId = Uint8Array.from(COMMIT_ID);
      await store.save(id, [record(1n)], { commitId });
      commitId.fill(0);
      await store.save(id, [record(1n)], { commitId: COMMIT_ID });
      await expectStream(store, id, [record(1n)]);
    },
  },
];

/** The cases of `Store`. */
export const storeCases: readonly ConformanceCase[] = [
  ...savingAndLoading,
  ...ids,
  ...badInput,
  ...conflicts,
  ...foreignRecords,
  ...repeatedSaves,
  ...expiry,
  ...copies,
];

/** A record with other data than `record` gives, as another writer would make it. */
function other(version: bigint): StoredRecord {
  return record(version, { data: Uint8Array.of(0xee) });
}

function refusedSave(what: string, refused: readonly StoredRecord[]): ConformanceCase {
  return {
    name: `store: ${what} is invalid_argument, and nothing is stored`,
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("refused");
      await expectError("invalid_argument", store.save(id, refused), { argument: "records" });
      await expectStream(store, id, []);
    },
  };
}

function longId(context: ConformanceContext, length: number): string {
  const id = context.id("long");
  return id.padEnd(length, "x");
}

async function expectSeparateStreams(context: ConformanceContext, ids: readonly string[]): Promise<void> {
  const { store } = await context.open();
  const encoder = new TextEncoder();
  const recordOf = (id: string): StoredRecord => record(1n, { data: encoder.encode(id) });
  for (const id of ids) await store.save(id, [recordOf(id)]);
  for (const id of ids) await expectStream(store, id, [recordOf(id)]);
}

/** Lets 8 writers on two clients save the same versions with different data at once. */
async function race(context: ConformanceContext, count: bigint): Promise<void> {
  const clients = [await context.open(), await context.open()];
  const id = context.id(`race-${count}`);
  const writers = Array.from({ length: 8 }, (_, writer) => ({
    store: (clients[writer % 2] ?? clients[0])?.store as Store,
    records: records(1n, count).map(({ version }) => record(version, { data: Uint8Array.of(writer) })),
  }));
  const outcomes = await Promise.allSettled(writers.map((writer) => writer.store.save(id, writer.records)));
  const winners = writers.filter((_, i) => outcomes[i]?.status === "fulfilled");
  expectEqual(winners.length, 1, "number of writers who won");
  for (const outcome of outcomes) {
    if (outcome.status === "rejected")
      await expectError("version_conflict", Promise.reject(outcome.reason), { aggregateId: id, version: 1n });
  }
  const [winner] = winners;
  if (winner) await expectStream(winner.store, id, winner.records);
}

/** Appends single records to a stream, reloading whenever another writer was first. */
async function append(store: Store, id: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const { length } = (await store.load(id)).records;
    try {
      await store.save(id, [record(BigInt(length) + 1n)]);
      done++;
    } catch (error) {
      expectTrue(isProtosourceError(error, "version_conflict"), `a race ends in a version_conflict, not in ${error}`);
    }
  }
}
