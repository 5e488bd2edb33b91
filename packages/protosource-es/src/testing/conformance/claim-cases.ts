/** What a transaction promises beyond its own streams: checks of other streams, and values that are unique. */
import { epochSeconds } from "../../clock.js";
import type {
  Claim,
  ClaimingStore,
  ClaimScanningStore,
  ScannableStore,
  ScannedClaim,
  Store,
  StoredClaim,
  StreamWrite,
  TransactionalStore,
} from "../../store/store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { expectStream, record, records } from "./sample-records.js";

const COMMIT_ID = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);
const OTHER_COMMIT_ID = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1);

const checks: readonly ConformanceCase[] = [
  {
    name: "check: streams at their versions let the save pass",
    needs: ["checks"],
    async run(context) {
      const store = await openStore(context);
      const [a, b, c] = ids(context);
      await store.save(b, records(1n, 5n));
      const check = [
        { aggregateId: b, version: 5n },
        { aggregateId: c, version: 0n },
      ];
      await store.saveAll([write(a, 1n, 2n)], { check });
      await expectStream(store, a, records(1n, 2n));
      await expectStream(store, b, records(1n, 5n));
      await expectStream(store, c, []);
    },
  },
  {
    name: "check: a stream at another version is a version_conflict that names it, and nothing is stored",
    needs: ["checks"],
    async run(context) {
      const store = await openStore(context);
      const [a, b, c] = ids(context);
      await store.save(b, records(1n, 3n));
      await store.save(b, records(4n, 5n));
      for (const version of [0n, 1n, 3n, 4n, 6n, 2n ** 62n]) {
        const check = [
          { aggregateId: c, version: 0n },
          { aggregateId: b, version },
        ];
        await expectError("version_conflict", store.saveAll([write(a, 1n, 1n)], { check }), {
          aggregateId: b,
          version,
        });
      }
      await expectError(
        "version_conflict",
        store.saveAll([write(a, 1n, 1n)], { check: [{ aggregateId: c, version: 1n }] }),
        { aggregateId: c, version: 1n },
      );
      await expectStream(store, a, []);
    },
  },
  {
    name: "check: a failing one writes no row and takes no claim",
    needs: ["checks", "claims"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      const check = [{ aggregateId: b, version: 1n }];
      const claims = [claimOf(context, "v", a)];
      await expectError("version_conflict", store.saveAll([write(a, 1n, 1n)], { check, claims }), { aggregateId: b });
      await expectClaim(store, context, "v", undefined);
    },
  },
  {
    name: "check: checks alone tell how streams are",
    needs: ["checks"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      await store.save(a, records(1n, 2n));
      await store.saveAll([], { check: [{ aggregateId: a, version: 2n }] });
      const check = [
        { aggregateId: a, version: 2n },
        { aggregateId: b, version: 1n },
      ];
      await expectError("version_conflict", store.saveAll([], { check }), { aggregateId: b, version: 1n });
    },
  },
  {
    name: "check: expired records that are still stored count",
    needs: ["checks"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      await store.save(b, records(1n, 2n, { ttl: epochSeconds(context.clock) + 10n }));
      context.clock.advanceSeconds(10);
      const saved = store.saveAll([write(a, 1n, 1n)], { check: [{ aggregateId: b, version: 0n }] });
      await expectError("version_conflict", saved, { aggregateId: b, version: 0n });
      await store.saveAll([write(a, 1n, 1n)], { check: [{ aggregateId: b, version: 2n }] });
    },
  },
  {
    name: "check: of two writers that each check the other's stream, at most one wins",
    needs: ["checks"],
    async run(context) {
      const [first, second] = [await openStore(context), await openStore(context)];
      for (let round = 0; round < 10; round++) {
        const a = context.id(`a${round}`);
        const b = context.id(`b${round}`);
        const outcomes = await Promise.allSettled([
          first.saveAll([write(a, 1n, 1n)], { check: [{ aggregateId: b, version: 0n }] }),
          second.saveAll([write(b, 1n, 1n)], { check: [{ aggregateId: a, version: 0n }] }),
        ]);
        const stored = (await Promise.all([first.load(a), first.load(b)])).map((history) => history.records.length);
        const won = outcomes.map(({ status }) => (status === "fulfilled" ? 1 : 0));
        expectEqual(stored, won, "records of the two streams");
        expectTrue(
          won.some((one) => one === 0),
          "one of the two loses",
        );
        for (const outcome of outcomes) {
          if (outcome.status === "rejected") await expectError("version_conflict", Promise.reject(outcome.reason));
        }
      }
    },
  },
  {
    name: "check: a repeated save with its commit id is done, though the checked stream went on",
    needs: ["checks"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      const options = { check: [{ aggregateId: b, version: 0n }], commitId: COMMIT_ID };
      await store.saveAll([write(a, 1n, 2n)], options);
      await store.save(b, records(1n, 2n));
      await store.saveAll([write(a, 1n, 2n)], options);
      await expectStream(store, a, records(1n, 2n));
    },
  },
  {
    name: "check: one of a stream that is written, a second one and a version that can't be are invalid_argument",
    needs: ["checks"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      for (const check of [
        [{ aggregateId: a, version: 0n }],
        [
          { aggregateId: b, version: 0n },
          { aggregateId: b, version: 0n },
        ],
        [{ aggregateId: b, version: -1n }],
      ]) {
        await expectError("invalid_argument", store.saveAll([write(a, 1n, 1n)], { check }), { argument: "check" });
      }
      await expectError(
        "invalid_argument",
        store.saveAll([write(a, 1n, 1n)], { check: [{ aggregateId: "", version: 0n }] }),
        { argument: "aggregateId" },
      );
      await expectStream(store, a, []);
    },
  },
  {
    name: "check: checks and claims count among what one transaction holds",
    needs: ["checks", "claims", "transaction-limit"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      const check = [{ aggregateId: b, version: 0n }];
      const streams = Array.from({ length: 99 }, (_, i) => write(context.id(`s${i}`), 1n, 1n));
      const saved = store.saveAll(streams, { check, claims: [claimOf(context, "v", a)] });
      await expectError("too_large", saved, { size: 101, limit: 100 });
      await store.saveAll(streams, { check });
      await expectStream(store, context.id("s98"), [record(1n)]);
    },
  },
];

const claims: readonly ConformanceCase[] = [
  {
    name: "claim: a value that is taken belongs to its owner, and to nobody else",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      await expectClaim(store, context, "v", undefined);
      await store.saveAll([write(a, 1n, 2n)], { claims: [claimOf(context, "v", a)] });
      await expectClaim(store, context, "v", { owner: a, version: 0n, ttl: 0n });
      const saved = store.saveAll([write(b, 1n, 1n)], { claims: [claimOf(context, "v", b)] });
      await expectError("claim_taken", saved, { scope: context.id("scope"), owner: a });
      const message = await saved.catch(String);
      expectEqual(String(message).includes(a), false, "that the message, which callers see, names the owner");
      await expectStream(store, b, []);
      await store.saveAll([write(b, 1n, 1n)], { claims: [claimOf(context, "w", b)] });
      await expectClaim(store, context, "w", { owner: b, version: 0n, ttl: 0n });
    },
  },
  {
    name: "claim: of several writers that take one value at once, one wins",
    needs: ["claims"],
    async run(context) {
      const clients = [await openStore(context), await openStore(context)];
      const owners = Array.from({ length: 8 }, (_, i) => context.id(`owner${i}`));
      const outcomes = await Promise.allSettled(
        owners.map((owner, i) =>
          clients[i % clients.length]?.saveAll([write(owner, 1n, 1n)], { claims: [claimOf(context, "v", owner)] }),
        ),
      );
      const winner = outcomes.findIndex(({ status }) => status === "fulfilled");
      expectEqual(outcomes.filter(({ status }) => status === "fulfilled").length, 1, "number of writers who won");
      const [store] = clients as [Store & ClaimingStore, ...unknown[]];
      for (const [i, outcome] of outcomes.entries()) {
        await expectStream(store, owners[i] ?? "", i === winner ? [record(1n)] : []);
        if (outcome.status === "fulfilled") continue;
        await expectError("claim_taken", Promise.reject(outcome.reason), { owner: owners[winner] ?? "" });
      }
      await expectClaim(store, context, "v", { owner: owners[winner] ?? "", version: 0n, ttl: 0n });
    },
  },
  {
    name: "claim: an owner may take its value again, but not with once",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a] = ids(context);
      await store.saveAll([write(a, 1n, 1n)], { claims: [claimOf(context, "v", a, { version: 1n })] });
      await store.saveAll([write(a, 2n, 2n)], { claims: [claimOf(context, "v", a, { version: 2n })] });
      await expectClaim(store, context, "v", { owner: a, version: 2n, ttl: 0n });
      const once = claimOf(context, "v", a, { once: true, version: 3n });
      await expectError("claim_taken", store.saveAll([write(a, 3n, 3n)], { claims: [once] }), { owner: a });
      await expectClaim(store, context, "v", { owner: a, version: 2n, ttl: 0n });
      await expectStream(store, a, records(1n, 2n));
    },
  },
  {
    name: "claim: a value that is freed can be taken by another owner, in the same transaction as another value",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      await store.saveAll([write(a, 1n, 1n)], { claims: [claimOf(context, "old", a)] });
      await store.saveAll([write(a, 2n, 2n)], {
        claims: [claimOf(context, "new", a), claimOf(context, "old", a, { release: true })],
      });
      await expectClaim(store, context, "old", undefined);
      await expectClaim(store, context, "new", { owner: a, version: 0n, ttl: 0n });
      await store.saveAll([write(b, 1n, 1n)], { claims: [claimOf(context, "old", b)] });
      await expectClaim(store, context, "old", { owner: b, version: 0n, ttl: 0n });
    },
  },
  {
    name: "claim: freeing what belongs to nobody or to somebody else changes nothing, and the rest is stored",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      await store.saveAll([write(a, 1n, 1n)], { claims: [claimOf(context, "v", a)] });
      await store.saveAll([write(b, 1n, 2n)], {
        claims: [claimOf(context, "v", b, { release: true }), claimOf(context, "nobody's", b, { release: true })],
      });
      await expectStream(store, b, records(1n, 2n));
      await expectClaim(store, context, "v", { owner: a, version: 0n, ttl: 0n });
    },
  },
  {
    name: "claim: it ends with its ttl, and another owner may take the value",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      const ttl = epochSeconds(context.clock) + 10n;
      await store.saveAll([write(a, 1n, 1n)], { claims: [claimOf(context, "v", a, { ttl, once: true })] });
      context.clock.advanceSeconds(9);
      await expectClaim(store, context, "v", { owner: a, version: 0n, ttl });
      await expectError("claim_taken", store.saveAll([], { claims: [claimOf(context, "v", b)] }), { owner: a });
      context.clock.advanceSeconds(1);
      await expectClaim(store, context, "v", undefined);
      await store.saveAll([write(b, 1n, 1n)], { claims: [claimOf(context, "v", b, { once: true })] });
      await expectClaim(store, context, "v", { owner: b, version: 0n, ttl: 0n });
    },
  },
  {
    name: "claim: claims alone are taken and freed",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      await store.saveAll([], { claims: [claimOf(context, "v", a)] });
      await expectError("claim_taken", store.saveAll([], { claims: [claimOf(context, "v", b)] }), { owner: a });
      await store.saveAll([], { claims: [claimOf(context, "v", b, { release: true })] });
      await expectClaim(store, context, "v", { owner: a, version: 0n, ttl: 0n });
      await store.saveAll([], { claims: [claimOf(context, "v", a, { release: true })] });
      await expectClaim(store, context, "v", undefined);
      await store.saveAll([], { claims: [claimOf(context, "v", a, { release: true })] });
    },
  },
  {
    name: "claim: a version_conflict takes and frees nothing",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a] = ids(context);
      await store.saveAll([write(a, 1n, 1n)], { claims: [claimOf(context, "v", a)] });
      const saved = store.saveAll([write(a, 1n, 1n)], {
        claims: [claimOf(context, "w", a), claimOf(context, "v", a, { release: true })],
      });
      await expectError("version_conflict", saved, { aggregateId: a, version: 1n });
      await expectClaim(store, context, "v", { owner: a, version: 0n, ttl: 0n });
      await expectClaim(store, context, "w", undefined);
    },
  },
  {
    name: "claim: where a version and a value are both taken, the version counts",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      await store.saveAll([write(a, 1n, 1n), write(b, 1n, 1n)], { claims: [claimOf(context, "v", a)] });
      const saved = store.saveAll([write(b, 1n, 1n)], { claims: [claimOf(context, "v", b)] });
      await expectError("version_conflict", saved, { aggregateId: b, version: 1n });
    },
  },
  {
    name: "claim: a repeated save with its commit id keeps what it took, once or not, with records or without",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a] = ids(context);
      for (const [value, writes] of [
        ["with records", [write(a, 1n, 2n)]],
        ["without", []],
      ] as const) {
        const options = { claims: [claimOf(context, value, a, { once: true, version: 2n })], commitId: COMMIT_ID };
        for (let i = 0; i < 2; i++) await store.saveAll(writes, options);
        await expectClaim(store, context, value, { owner: a, version: 2n, ttl: 0n });
        await expectError("claim_taken", store.saveAll([], { ...options, commitId: undefined }), { owner: a });
      }
      await expectStream(store, a, records(1n, 2n));
    },
  },
  {
    name: "claim: a repeated save doesn't take back what was freed since",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a, b] = ids(context);
      const options = { claims: [claimOf(context, "v", a)], commitId: COMMIT_ID };
      await store.saveAll([write(a, 1n, 1n)], options);
      await store.saveAll([write(a, 2n, 2n)], { claims: [claimOf(context, "v", a, { release: true })] });
      await store.saveAll([write(b, 1n, 1n)], { claims: [claimOf(context, "v", b)] });
      await store.saveAll([write(a, 1n, 1n)], options);
      await expectClaim(store, context, "v", { owner: b, version: 0n, ttl: 0n });
    },
  },
  {
    name: "claim: scopes and values of any characters are told apart",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const scope = context.id("scope");
      const names: [string, string][] = [
        [`${scope}#a`, "b"],
        [scope, "a#b"],
        [scope, "A#b"],
        [`${scope}#a#b`, "é"],
        [`${scope}#a#b`, "e\u0301"],
        [scope, "nul\0"],
        [scope, "nul"],
        [scope, "x".repeat(5000)],
        [scope, `${"x".repeat(4999)}y`],
      ];
      const claims = names.map(([scope, value], i) => ({ scope, value, owner: context.id(`o${i}`) }));
      await store.saveAll([], { claims });
      for (const { scope, value, owner } of claims) {
        expectEqual((await store.findClaim(scope, value))?.owner, owner, `owner of ${JSON.stringify(value)}`);
      }
    },
  },
  {
    name: "claim: one without a scope, a value or an owner, and one that occurs twice are invalid_argument",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const [a] = ids(context);
      const good = claimOf(context, "v", a);
      for (const bad of [{ scope: "" }, { value: "" }, { value: "\ud800" }, { ttl: -1n }, { version: -1n }]) {
        const saved = store.saveAll([write(a, 1n, 1n)], { claims: [{ ...good, ...bad }] });
        await expectError("invalid_argument", saved, { argument: "claims" });
      }
      const twice = store.saveAll([write(a, 1n, 1n)], { claims: [good, { ...good, release: true }] });
      await expectError("invalid_argument", twice, { argument: "claims" });
      const ownerless = store.saveAll([write(a, 1n, 1n)], { claims: [{ ...good, owner: "" }] });
      await expectError("invalid_argument", ownerless, { argument: "aggregateId" });
      const long = store.saveAll([write(a, 1n, 1n)], { claims: [{ ...good, scope: "s".repeat(1977) }] });
      await expectError("too_large", long, { what: "scope" });
      await expectError("invalid_argument", store.findClaim("", "v"), { argument: "claims" });
      await store.saveAll([], { claims: [{ ...good, scope: good.scope.padEnd(1976, "s") }] });
      await expectStream(store, a, []);
    },
  },
  {
    name: "claim: none is a row: scans leave claims out, and their keys are refused",
    needs: ["claims", "scan", "opaque-store"],
    async run(context) {
      const { opaqueStore } = await context.open();
      const store = await openStore(context);
      const [a] = ids(context);
      const scope = context.id("scope");
      await store.saveAll([write(a, 1n, 1n)], { claims: [claimOf(context, "v", a)] });
      let cursor: string | undefined;
      do {
        const page = await opaqueStore?.scan?.({ cursor });
        for (const { pk } of page?.rows ?? []) expectTrue(!pk.includes(scope), "no row is a claim");
        expectEqual(page?.unreadable.length, 0, "unreadable rows");
        cursor = page?.cursor;
      } while (cursor !== undefined);
      const key = { pk: `!claim#${scope}#`, sk: "CLAIM" };
      await expectError("invalid_argument", opaqueStore?.get(key) ?? Promise.resolve(), { argument: "pk" });
      await expectError("invalid_argument", opaqueStore?.delete(key) ?? Promise.resolve(), { argument: "pk" });
      await expectError("invalid_argument", opaqueStore?.query({ partition: key.pk }) ?? Promise.resolve(), {
        argument: "partition",
      });
    },
  },
  {
    name: "claim: claims without an OpaqueStore are not_configured, and nothing is stored",
    needs: ["claims", "optional-opaque-store"],
    async run(context) {
      const { store } = await context.open({ withoutOpaqueStore: true });
      const claiming = store as ClaimingStore & TransactionalStore;
      const [a] = ids(context);
      const saved = claiming.saveAll([write(a, 1n, 1n)], { claims: [claimOf(context, "v", a)] });
      await expectError("not_configured", saved, { option: "opaqueStore" });
      await expectError("not_configured", claiming.findClaim("s", "v"), { option: "opaqueStore" });
      await expectStream(store, a, []);
    },
  },
  {
    name: "claim: an aborted signal cancels",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const signal = AbortSignal.abort();
      await expectError("cancelled", store.findClaim("s", "v", { signal }));
      await expectError("cancelled", store.saveAll([], { claims: [claimOf(context, "v", "a")], signal }));
      await expectClaim(store, context, "v", undefined);
    },
  },
];

const purposes: readonly ConformanceCase[] = [
  {
    name: "claim: what a value was taken for is kept with it, until it is taken for something else",
    needs: ["claims"],
    async run(context) {
      const store = await openStore(context);
      const { owner } = claimOf(context, "v", context.id("a"));
      const purpose = Uint8Array.of(0, 255, 1, 2, 3, 4, 5, 6);
      await store.saveAll([], { claims: [claimOf(context, "v", owner, { purpose: purpose.slice() })] });
      await expectClaim(store, context, "v", { owner, version: 0n, ttl: 0n, purpose });
      await store.saveAll([], { claims: [claimOf(context, "v", owner, { purpose: Uint8Array.of(9) })] });
      await expectClaim(store, context, "v", { owner, version: 0n, ttl: 0n, purpose: Uint8Array.of(9) });
      await store.saveAll([], { claims: [claimOf(context, "v", owner)] });
      await expectClaim(store, context, "v", { owner, version: 0n, ttl: 0n });
    },
  },
];

const scans: readonly ConformanceCase[] = [
  {
    name: "claim scan: pages of any size hold every claim once, as it was taken last",
    needs: ["claims", "claim-scan"],
    async run(context) {
      const store = await openScanningStore(context);
      const [a, b] = ids(context);
      await store.saveAll([], { claims: [claimOf(context, "v", a, { version: 1n })], commitId: OTHER_COMMIT_ID });
      const ttl = epochSeconds(context.clock) + 100n;
      const taken = [claimOf(context, "v", a, { version: 2n, ttl }), claimOf(context, "größe#", b)];
      await store.saveAll([], { claims: taken, commitId: COMMIT_ID });
      await store.saveAll([write(a, 1n, 1n)], { claims: [claimOf(context, "freed", a)] });
      await store.saveAll([], { claims: [claimOf(context, "freed", a, { release: true })] });
      const { scope } = claimOf(context, "", "");
      const expected = [
        { scope, hash: hashes["v"], owner: a, version: 2n, ttl, commitId: COMMIT_ID },
        { scope, hash: hashes["größe#"], owner: b, version: 0n, ttl: 0n, commitId: COMMIT_ID },
      ];
      for (const limit of [1, 1000]) {
        const found = (await scanAll(store, limit)).filter((claim) => claim.scope === scope);
        const plain = found.map(({ key: _, ...claim }) => claim).sort((x, y) => (x.hash < y.hash ? -1 : 1));
        expectEqual(plain, expected, `claims in pages of ${limit}`);
      }
    },
  },
  {
    name: "claim scan: a claim is freed while it is as it was read, and left when it was taken again since",
    needs: ["claims", "claim-scan"],
    async run(context) {
      const store = await openScanningStore(context);
      const [a, b] = ids(context);
      await store.saveAll([], { claims: [claimOf(context, "v", a), claimOf(context, "w", b)] });
      const { scope } = claimOf(context, "", "");
      const ours = async (): Promise<ScannedClaim[]> =>
        (await scanAll(store, 1000)).filter((claim) => claim.scope === scope);
      const seen = await ours();
      await store.saveAll([], { claims: [claimOf(context, "v", a)] });
      const freed = await Promise.all(seen.map(async (claim) => [claim.owner, await store.freeClaim(claim)] as const));
      expectEqual(Object.fromEntries(freed), { [a]: false, [b]: true }, "freed");
      await expectClaim(store, context, "v", { owner: a, version: 0n, ttl: 0n });
      await expectClaim(store, context, "w", undefined);
      for (const claim of seen.filter(({ owner }) => owner === b)) {
        expectEqual(await store.freeClaim(claim), false, "freed again");
      }
      for (const claim of await ours()) expectEqual(await store.freeClaim(claim), true, "freed as it is now");
      await store.saveAll([], { claims: [claimOf(context, "v", b)] });
    },
  },
  {
    name: "claim scan: an aborted signal is cancelled, a limit below 1 and a strange cursor are invalid_argument",
    needs: ["claims", "claim-scan"],
    async run(context) {
      const store = await openScanningStore(context);
      await expectError("cancelled", store.scanClaims({ signal: AbortSignal.abort() }));
      await expectError("invalid_argument", store.scanClaims({ limit: 0 }), { argument: "limit" });
      await expectError("invalid_argument", store.scanClaims({ cursor: "?" }), { argument: "cursor" });
    },
  },
];

/** The SHA-256 of values, in hexadecimal. */
const hashes = {
  v: "4c94485e0c21ae6c41ce1dfe7b6bfaceea5ab68e40a2476f50208e526f506080",
  "größe#": "d8d94db0a8e58581651041db4ddb2245599adcb93a5af15cd7596c90c2715628",
};

/** The cases of checks and claims. */
export const claimCases: readonly ConformanceCase[] = [...checks, ...claims, ...purposes, ...scans];

async function openScanningStore(context: ConformanceContext): Promise<ClaimingTestStore & ClaimScanningStore> {
  const store = (await openStore(context)) as ClaimingTestStore & Partial<ClaimScanningStore>;
  expectTrue(typeof store.scanClaims === "function", "a store with the capability claim-scan has scanClaims");
  return store as ClaimingTestStore & ClaimScanningStore;
}

async function scanAll(store: ClaimScanningStore, limit: number): Promise<ScannedClaim[]> {
  const found: ScannedClaim[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scanClaims({ cursor, limit });
    found.push(...page.claims);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

type ClaimingTestStore = Store & TransactionalStore & ClaimingStore & Partial<ScannableStore>;

async function openStore(context: ConformanceContext): Promise<ClaimingTestStore> {
  const { store } = await context.open();
  expectTrue(typeof store.saveAll === "function", "a store with the capability checks or claims has saveAll");
  return store as ClaimingTestStore;
}

function ids(context: ConformanceContext): [string, string, string] {
  return [context.id("a"), context.id("b"), context.id("c")];
}

function write(aggregateId: string, first: bigint, last: bigint): StreamWrite {
  return { aggregateId, records: records(first, last) };
}

function claimOf(context: ConformanceContext, value: string, owner: string, more: Partial<Claim> = {}): Claim {
  return { scope: context.id("scope"), value, owner, ...more };
}

async function expectClaim(
  store: ClaimingStore,
  context: ConformanceContext,
  value: string,
  expected: StoredClaim | undefined,
): Promise<void> {
  expectEqual(await store.findClaim(context.id("scope"), value), expected, `claim of ${JSON.stringify(value)}`);
}
