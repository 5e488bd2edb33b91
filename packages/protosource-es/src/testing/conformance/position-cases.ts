/** What a store promises about how far subscriptions have come. */
import { emptyRow } from "../../opaquedata/opaque-data.js";
import type { OpaqueRow, OpaqueStore } from "../../opaquedata/opaque-store.js";
import { NO_POSITION, type Parking, type PositionMove, type StoredPosition } from "../../store/positions.js";
import type { EventStore } from "../../store/store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { expectStream, records } from "./sample-records.js";

const COMMIT_ID = Uint8Array.of(1, 1, 2, 3, 5, 8, 13, 21);

const MEMO = Uint8Array.of(7, 0, 255);

const PARKING: Parking = { version: 3n, error: "it can't be", since: 1_700_000_000_000_001n, tries: 3 };

const positions: readonly ConformanceCase[] = [
  {
    name: "position: a stream never seen is at 0, and a move brings what it says",
    needs: ["positions"],
    async run(context) {
      const { store, move, expectAt } = await open(context);
      await expectAt("a", { version: 0n });
      await store.saveAll([], { positions: [move("a", 0n, 2n, { memo: MEMO, expiry: 4_000_000_000n })] });
      await expectAt("a", { version: 2n, memo: MEMO, expiry: 4_000_000_000n });
      await store.saveAll([], { positions: [move("a", 2n, 9n)] });
      await expectAt("a", { version: 9n });
      await expectAt("b", { version: 0n });
    },
  },
  {
    name: "position: a move from elsewhere is a position_conflict that tells where it is, and nothing is stored",
    needs: ["positions"],
    async run(context) {
      const { store, move, expectAt, stream } = await open(context);
      await store.saveAll([], { positions: [move("a", 0n, 2n)] });
      for (const from of [0n, 1n, 3n]) {
        const saved = store.saveAll([{ aggregateId: stream("b"), records: records(1n, 1n) }], {
          positions: [move("c", 0n, 1n), move("a", from, 9n)],
        });
        await expectError("position_conflict", saved, { streamId: stream("a"), version: 2n, parked: false });
      }
      await expectError("position_conflict", store.saveAll([], { positions: [move("d", 4n, 5n)] }), { version: 0n });
      await expectAt("a", { version: 2n });
      await expectAt("c", { version: 0n });
      await expectStream(store, stream("b"), []);
    },
  },
  {
    name: "position: the subscriptions of one stream are apart, and so are the streams of one subscription",
    needs: ["positions"],
    async run(context) {
      const { store, move, stream, subscription } = await open(context);
      const other = `${subscription}.other`;
      await store.saveAll([], {
        positions: [move("a", 0n, 1n), move("b", 0n, 2n), { ...move("a", 0n, 3n), subscription: other }],
      });
      const at = async (name: string): Promise<bigint[]> =>
        (await store.readPositions(name, [stream("b"), stream("a"), stream("c")])).map(({ version }) => version);
      expectEqual(await at(subscription), [2n, 1n, 0n], "positions in the order of the streams asked for");
      expectEqual(await at(other), [0n, 3n, 0n], "positions of the other subscription");
    },
  },
  {
    name: "position: a move to 0 forgets it",
    needs: ["positions"],
    async run(context) {
      const { store, move, expectAt } = await open(context);
      await store.saveAll([], { positions: [move("a", 0n, 5n, { memo: MEMO })] });
      await store.saveAll([], { positions: [move("a", 5n, 0n)] });
      await expectAt("a", { version: 0n });
      await store.saveAll([], { positions: [move("a", 0n, 1n)] });
      await expectAt("a", { version: 1n });
    },
  },
  {
    name: "position: a move that says what the position was is made where its memo and its expiry are that still",
    needs: ["positions"],
    async run(context) {
      const { store, move, expectAt } = await open(context);
      const [bare, full] = [NO_POSITION, { memo: MEMO, expiry: 4_000_000_000n }];
      for (const [name, { memo, expiry }] of [
        ["a", bare],
        ["b", full],
      ] as const) {
        await store.saveAll([], { positions: [move(name, 0n, 2n, { memo, expiry })] });
        for (const was of [
          { memo: Uint8Array.of(7), expiry },
          { memo, expiry: 5n },
        ]) {
          const saved = store.saveAll([], { positions: [move(name, 2n, 2n, { was })] });
          await expectError("position_conflict", saved, { version: 2n, parked: false });
          await expectError("position_conflict", store.saveAll([], { positions: [move(name, 2n, 0n, { was })] }));
        }
        await expectAt(name, { version: 2n, memo, expiry });
      }
      await store.saveAll([], {
        positions: [move("a", 2n, 2n, { was: bare, memo: MEMO }), move("b", 2n, 0n, { was: full })],
      });
      await expectAt("a", { version: 2n, memo: MEMO });
      await expectAt("b", { version: 0n });
    },
  },
  {
    name: "position: a parked one tells why, and only a release moves it",
    needs: ["positions"],
    async run(context) {
      const { store, move, expectAt } = await open(context);
      await store.saveAll([], { positions: [move("a", 0n, 2n, { memo: MEMO })] });
      await store.saveAll([], { positions: [move("a", 2n, 2n, { memo: MEMO, park: PARKING })] });
      await expectAt("a", { version: 2n, memo: MEMO, parked: PARKING });
      for (const positions of [[move("a", 2n, 3n)], [move("a", 2n, 2n, { park: PARKING })]]) {
        await expectError("position_conflict", store.saveAll([], { positions }), { version: 2n, parked: true });
      }
      await store.saveAll([], { positions: [move("a", 2n, 2n, { memo: MEMO, release: true })] });
      await expectAt("a", { version: 2n, memo: MEMO });
      const again = store.saveAll([], { positions: [move("a", 2n, 2n, { release: true })] });
      await expectError("position_conflict", again, { version: 2n, parked: false });
    },
  },
  {
    name: "position: one is parked before its first event, and released to there",
    needs: ["positions"],
    async run(context) {
      const { store, move, expectAt } = await open(context);
      await store.saveAll([], { positions: [move("a", 0n, 0n, { park: PARKING })] });
      await expectAt("a", { version: 0n, parked: PARKING });
      await expectError("position_conflict", store.saveAll([], { positions: [move("a", 0n, 1n)] }), { parked: true });
      await store.saveAll([], { positions: [move("a", 0n, 0n, { release: true })] });
      await expectAt("a", { version: 0n });
      await store.saveAll([], { positions: [move("a", 0n, 1n)] });
      await expectAt("a", { version: 1n });
    },
  },
  {
    name: "position: moves are stored with the records of the transaction, once for a commit id",
    needs: ["positions"],
    async run(context) {
      const { store, move, expectAt, stream } = await open(context);
      const writes = [{ aggregateId: stream("target"), records: records(1n, 2n) }];
      const options = { positions: [move("a", 0n, 4n)], commitId: COMMIT_ID };
      await store.saveAll(writes, options);
      await store.saveAll(writes, options);
      await expectAt("a", { version: 4n });
      await expectStream(store, stream("target"), records(1n, 2n));
    },
  },
  {
    name: "position: where a stream has gone on too, the position is what is told",
    needs: ["positions"],
    async run(context) {
      const { store, move, stream } = await open(context);
      const writes = [{ aggregateId: stream("target"), records: records(1n, 1n) }];
      await store.saveAll(writes, { positions: [move("a", 0n, 4n)] });
      const second = store.saveAll(writes, { positions: [move("a", 0n, 4n)] });
      await expectError("position_conflict", second, { streamId: stream("a"), version: 4n });
      const third = store.saveAll(writes, { positions: [move("a", 4n, 5n)] });
      await expectError("version_conflict", third, { aggregateId: stream("target"), version: 1n });
    },
  },
  {
    name: "position: of many workers that move one position, one wins each step",
    needs: ["positions"],
    async run(context) {
      const { store, move, expectAt } = await open(context);
      for (let step = 0n; step < 5n; step++) {
        const moves = Array.from({ length: 5 }, () =>
          store.saveAll([], { positions: [move("a", step, step + 1n), move("b", step, step + 1n)] }),
        );
        const outcomes = await Promise.allSettled(moves);
        expectEqual(outcomes.filter(({ status }) => status === "fulfilled").length, 1, "workers that won");
      }
      await expectAt("a", { version: 5n });
      await expectAt("b", { version: 5n });
    },
  },
  {
    name: "position: a scan gives each of a subscription once, page by page, and the parked ones alone",
    needs: ["positions"],
    async run(context) {
      const { store, move, stream, subscription } = await open(context);
      const names = Array.from({ length: 12 }, (_, i) => `s${i}`);
      for (const [i, name] of names.entries()) {
        const park = i % 4 === 0 ? PARKING : undefined;
        await store.saveAll([], { positions: [move(name, 0n, BigInt(i + 1), { park })] });
      }
      const all = names.map((name, i) => `${stream(name)} ${i + 1}`);
      const parked = all.filter((_, i) => i % 4 === 0);
      expectEqual(await scanned(store, subscription, { limit: 5 }), all.toSorted(), "positions");
      expectEqual(
        await scanned(store, subscription, { limit: 2, parked: true }),
        parked.toSorted(),
        "parked positions",
      );
      const segments = await Promise.all(
        [0, 1, 2].map((index) => scanned(store, subscription, { segment: { index, of: 3 } })),
      );
      expectEqual(segments.flat().toSorted(), all.toSorted(), "positions of three segments");
      expectEqual(await scanned(store, `${subscription}.other`, {}), [], "positions of another subscription");
    },
  },
  {
    name: "position: a long stream id is kept whole",
    needs: ["positions"],
    async run(context) {
      const { store, move, stream, subscription } = await open(context);
      const long = "x".repeat(1900 - stream("").length);
      await store.saveAll([], { positions: [move(long, 0n, 1n)] });
      const [read] = await store.readPositions(subscription, [stream(long)]);
      expectEqual(read, at(stream(long), { version: 1n }), "position");
      expectEqual(await scanned(store, subscription, {}), [`${stream(long)} 1`], "positions");
    },
  },
  {
    name: "position: names, versions and moves that can't be are invalid_argument",
    needs: ["positions"],
    async run(context) {
      const { store, move } = await open(context);
      for (const positions of [[move("a", 2n, 1n)], [move("a", -1n, 1n)], [move("a", 0n, 1n), move("a", 1n, 2n)]]) {
        await expectError("invalid_argument", store.saveAll([], { positions }), { argument: "positions" });
      }
      for (const subscription of ["", "a b", "a#b", "é", "x".repeat(256)]) {
        const saved = store.saveAll([], { positions: [{ ...move("a", 0n, 1n), subscription }] });
        await expectError("invalid_argument", saved, { argument: "subscription" });
        await expectError("invalid_argument", store.readPositions(subscription, []), { argument: "subscription" });
      }
      await expectError("invalid_argument", store.saveAll([], { positions: [{ ...move("a", 0n, 1n), streamId: "" }] }));
      const memo = new Uint8Array(70_000);
      await expectError("too_large", store.saveAll([], { positions: [move("a", 0n, 1n, { memo })] }), { what: "memo" });
    },
  },
  {
    name: "position: an aborted signal cancels",
    needs: ["positions"],
    async run(context) {
      const { store, move, subscription, expectAt } = await open(context);
      const signal = AbortSignal.abort();
      await expectError("cancelled", store.readPositions(subscription, ["a"], { signal }));
      await expectError("cancelled", store.scanPositions(subscription, { signal }));
      await expectError("cancelled", store.readMark(subscription, "m", { signal }));
      await expectError("cancelled", store.setMark(subscription, "m", 1n, { signal }));
      await expectError("cancelled", store.saveAll([], { positions: [move("a", 0n, 1n)], signal }));
      await expectAt("a", { version: 0n });
    },
  },
  {
    name: "mark: it is what was set last, where it was what it should be",
    needs: ["positions"],
    async run(context) {
      const { store, subscription } = await open(context);
      expectEqual(await store.readMark(subscription, "m"), 0n, "a mark never set");
      expectEqual(await store.setMark(subscription, "m", 5n, { was: 4n }), false, "whether it was set");
      expectEqual(await store.setMark(subscription, "m", 5n, { was: 0n }), true, "whether it was set");
      expectEqual(await store.setMark(subscription, "m", 6n, { was: 4n }), false, "whether it was set");
      expectEqual(await store.readMark(subscription, "m"), 5n, "mark");
      expectEqual(await store.setMark(subscription, "m", 7n), true, "whether it was set");
      expectEqual(await store.readMark(subscription, "n"), 0n, "another mark");
      expectEqual(await store.readMark(`${subscription}.other`, "m"), 0n, "another subscription's mark");
      expectEqual(await store.setMark(subscription, "m", 0n, { was: 7n }), true, "whether it was taken away");
      expectEqual(await store.readMark(subscription, "m"), 0n, "mark");
    },
  },
];

const rows: readonly ConformanceCase[] = [
  {
    name: "position kept in a row: it is written with the row, stays when the row goes, and the row when it goes",
    needs: ["positions", "opaque-store"],
    async run(context) {
      const { store, opaqueStore, subscription, move, stream } = await open(context);
      const key = { pk: stream("row"), sk: "AGG" };
      const moveRow = (from: bigint, to: bigint, rowVersion: bigint, more: Partial<PositionMove> = {}) => {
        const kept = { key, row: rowVersion === 0n ? undefined : row(key.pk, rowVersion) };
        return store.saveAll([], { positions: [move("a", from, to, { ...more, kept })] });
      };
      const expectKept = async (version: bigint, rowVersion: bigint, more: Partial<StoredPosition> = {}) => {
        const [found] = await store.readPositions(subscription, [stream("a")], { rows: [key] });
        const kept = { key, row: rowVersion === 0n ? undefined : row(key.pk, rowVersion) };
        expectEqual(found, at(stream("a"), { version, ...more, kept }), "position with its row");
        expectEqual((await opaqueStore.get(key))?.version ?? 0n, rowVersion, "version of the row");
        const { rows } = await opaqueStore.query({ partition: key.pk });
        expectEqual(rows.length, rowVersion === 0n ? 0 : 1, "rows of the partition");
      };
      const keptNow = () => scanned(store, subscription, { keptUnder: key.pk });
      await expectKept(0n, 0n);
      await moveRow(0n, 1n, 7n, { memo: MEMO, expiry: 4_000_000_000n });
      await expectKept(1n, 7n, { memo: MEMO, expiry: 4_000_000_000n });
      for (const from of [0n, 2n]) await expectError("position_conflict", moveRow(from, 3n, 8n), { version: 1n });
      await moveRow(1n, 2n, 0n, { expiry: 4_000_000_000n });
      await expectKept(2n, 0n, { expiry: 4_000_000_000n });
      await moveRow(2n, 3n, 5n);
      await moveRow(3n, 3n, 5n, { park: PARKING });
      await expectKept(3n, 5n, { parked: PARKING });
      await expectError("position_conflict", moveRow(3n, 4n, 6n), { version: 3n, parked: true });
      expectEqual(await keptNow(), [`${stream("a")} 3`], "positions");
      expectEqual(await scanned(store, subscription, { parked: true }), [`${stream("a")} 3`], "parked positions");
      await moveRow(3n, 3n, 5n, { release: true });
      expectEqual(await scanned(store, subscription, { parked: true }), [], "parked positions");
      await moveRow(3n, 0n, 5n);
      await expectKept(0n, 5n);
      await expectError("position_conflict", moveRow(3n, 4n, 6n), { version: 0n });
      await moveRow(0n, 1n, 0n);
      await moveRow(1n, 0n, 0n);
      await expectKept(0n, 0n);
      expectEqual(await keptNow(), [], "positions");
      const kept = { key, row: { ...row(key.pk, 7n), version: 0n } };
      const saved = store.saveAll([], { positions: [move("a", 0n, 1n, { kept })] });
      await expectError("invalid_argument", saved, { argument: "positions" });
    },
  },
  {
    name: "row at a version: it is written and removed where it is as it was read, and else is row_conflict",
    needs: ["positions", "opaque-store"],
    async run(context) {
      const { store, opaqueStore, stream } = await open(context);
      const [pk, sk] = [stream("row"), "AGG"];
      const stored = async (): Promise<bigint | undefined> => (await opaqueStore.get({ pk, sk }))?.version;
      await expectError("row_conflict", store.saveAll([], { rows: [{ row: row(pk, 7n), was: 3n }] }), { pk, sk });
      expectEqual(await stored(), undefined, "row after a conflict");
      await store.saveAll([], { rows: [{ row: row(pk, 7n), was: 0n }] });
      for (const was of [0n, 6n, 8n]) {
        await expectError("row_conflict", store.saveAll([], { rows: [{ row: row(pk, 9n), was }] }), { pk, sk });
        const removed = store.saveAll([], { rows: [{ row: row(pk, 0n), was, remove: true }] });
        await expectError("row_conflict", removed, { pk, sk });
      }
      await store.saveAll([], { rows: [{ row: row(pk, 2n), was: 7n }] });
      expectEqual(await stored(), 2n, "a row of a lower version, written where it was as it was read");
      await store.saveAll([], { rows: [{ row: row(pk, 0n), was: 2n, remove: true }] });
      expectEqual(await stored(), undefined, "row after its removal");
      const removed = store.saveAll([], { rows: [{ row: row(pk, 0n), remove: true }] });
      await expectError("invalid_argument", removed, { argument: "rows" });
    },
  },
  {
    name: "row at a version: a conflict moves no position, and a position elsewhere writes no row",
    needs: ["positions", "opaque-store"],
    async run(context) {
      const { store, opaqueStore, move, stream, expectAt } = await open(context);
      const pk = stream("row");
      const conflicting = [{ row: row(pk, 7n), was: 3n }];
      await expectError("row_conflict", store.saveAll([], { rows: conflicting, positions: [move("a", 0n, 1n)] }));
      await expectAt("a", { version: 0n });
      const written = [{ row: row(pk, 7n), was: 0n }];
      await expectError("position_conflict", store.saveAll([], { rows: written, positions: [move("a", 1n, 2n)] }));
      expectEqual(await opaqueStore.get({ pk, sk: "AGG" }), undefined, "row");
      await store.saveAll([], { rows: written, positions: [move("a", 0n, 1n)] });
      await expectAt("a", { version: 1n });
      expectEqual((await opaqueStore.get({ pk, sk: "AGG" }))?.version, 7n, "version of the row");
    },
  },
  {
    name: "row at a version: an expired row counts as none",
    needs: ["positions", "opaque-store"],
    async run(context) {
      const { store, opaqueStore, stream } = await open(context);
      const pk = stream("row");
      const t = context.clock.now() / 1_000_000n + 10n;
      await store.saveAll([], { rows: [{ row: { ...row(pk, 7n), t }, was: 0n }] });
      context.clock.advanceSeconds(10);
      await store.saveAll([], { rows: [{ row: row(pk, 8n), was: 0n }] });
      expectEqual((await opaqueStore.get({ pk, sk: "AGG" }))?.version, 8n, "version of the row");
    },
  },
];

/** The cases of positions, of marks, and of rows that are written where they are as they were read. */
export const positionCases: readonly ConformanceCase[] = [...positions, ...rows];

type Expected = Partial<StoredPosition> & { readonly version: bigint };

interface Opened {
  readonly store: EventStore;
  readonly opaqueStore: OpaqueStore;
  readonly subscription: string;
  stream(name: string): string;
  move(name: string, from: bigint, to: bigint, more?: Partial<PositionMove>): PositionMove;
  expectAt(name: string, expected: Expected): Promise<void>;
}

async function open(context: ConformanceContext): Promise<Opened> {
  const opened = await context.open();
  expectTrue(typeof opened.store.readPositions === "function", "a store with positions has readPositions");
  const store = opened.store as EventStore;
  const subscription = `${context.id("sub").replaceAll("#", ".")}@1`;
  const stream = (name: string): string => context.id(name);
  return {
    store,
    opaqueStore: opened.opaqueStore as OpaqueStore,
    subscription,
    stream,
    move: (name, from, to, more) => ({ subscription, streamId: stream(name), from, to, ...more }),
    async expectAt(name, expected) {
      const [position] = await store.readPositions(subscription, [stream(name)]);
      expectEqual(position, at(stream(name), expected), `position in ${name}`);
    },
  };
}

function at(streamId: string, expected: Expected): StoredPosition {
  return { ...NO_POSITION, streamId, ...expected };
}

async function scanned(
  store: EventStore,
  subscription: string,
  options: Parameters<EventStore["scanPositions"]>[1],
): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scanPositions(subscription, { ...options, cursor });
    for (const { streamId, version } of page.positions) found.push(`${streamId} ${version}`);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found.sort();
}

function row(pk: string, version: bigint): OpaqueRow {
  return { ...emptyRow(), pk, sk: "AGG", version, body: Uint8Array.of(1) };
}
