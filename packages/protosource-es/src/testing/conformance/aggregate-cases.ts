/** What `AggregateStore` promises: the row of a message, found by its keys, never replaced by an older state. */
import { create, type DescMessage, equals, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { epochSeconds } from "../../clock.js";
import { opaqueDataFromMessage, rehydrate } from "../../opaquedata/opaque-data.js";
import type { OpaqueRow, OpaqueStore } from "../../opaquedata/opaque-store.js";
import type { AggregateStore, Store } from "../../store/store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext, OpenOptions } from "./conformance-case.js";
import {
  type Account,
  AccountSchema,
  AccountSummarySchema,
  NoteSchema,
  SESSION_TTL_SECONDS,
  SessionSchema,
} from "./sample-messages.js";

const MAX_INT64 = 2n ** 63n - 1n;

const rows: readonly ConformanceCase[] = [
  {
    name: "aggregate: the row of an aggregate has its keys, version and bytes",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("account");
      const message = account(id, 7n, { owner: "ann", openedAt: 1_795_351_177_816_750n });
      expectEqual(await store.saveAggregate(AccountSchema, message), { written: true }, "outcome");
      const row = await getRow(opaqueStore, accountKey(id));
      expectEqual(row.gsi1pk, "protosource_conformance_v1#account#owner#ann", "gsi1pk");
      expectEqual(row.gsi1sk, "protosource_conformance_v1#account#opened_at#1795351177816750", "gsi1sk");
      expectEqual(row.gsi2pk, "", "gsi2pk");
      expectEqual(row.version, 7n, "version");
      expectEqual(row.t, 0n, "t");
      expectEqual(row.body, toBinary(AccountSchema, message), "body");
    },
  },
  {
    name: "aggregate: the row of a projection lies beside the aggregate's",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("summary");
      const message = account(id, 2n);
      const summary = create(AccountSummarySchema, { id, owner: "ann", note: "new" });
      await store.saveAggregate(AccountSchema, message);
      await store.saveAggregate(AccountSummarySchema, summary);
      const row = await getRow(opaqueStore, { pk: accountKey(id).pk, sk: "PROJ#AccountSummary" });
      expectEqual(row.gsi1pk, "protosource_conformance_v1#accountsummary#owner#ann", "gsi1pk");
      expectEqual(row.gsi1sk, "protosource_conformance_v1#accountsummary#note#new", "gsi1sk");
      expectMessage(AccountSummarySchema, row, summary);
      expectMessage(AccountSchema, await getRow(opaqueStore, accountKey(id)), message);
    },
  },
  {
    name: "aggregate: a message of which all fields but the keys are empty is kept",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("empty");
      await store.saveAggregate(AccountSchema, account(id, 0n));
      const row = await getRow(opaqueStore, accountKey(id));
      expectEqual(row.gsi1pk, "protosource_conformance_v1#account#owner#", "gsi1pk");
      expectEqual(row.gsi1sk, "protosource_conformance_v1#account#opened_at#0", "gsi1sk");
      expectMessage(AccountSchema, row, account(id, 0n));
    },
  },
  {
    name: "aggregate: a long message is kept whole",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("long");
      const message = account(id, 1n, { note: "long ".repeat(10_000) });
      await store.saveAggregate(AccountSchema, message);
      expectMessage(AccountSchema, await getRow(opaqueStore, accountKey(id)), message);
    },
  },
  {
    name: "aggregate: a row is found by its index, and after a change by its new key only",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("moved");
      const owner = (name: string): string => `protosource_conformance_v1#account#owner#${id}-${name}`;
      await store.saveAggregate(AccountSchema, account(id, 1n, { owner: `${id}-ann` }));
      const before = await opaqueStore.query({ index: 1, partition: owner("ann") });
      expectEqual(
        before.rows.map(({ pk }) => pk),
        [accountKey(id).pk],
        "rows of the first owner",
      );
      await store.saveAggregate(AccountSchema, account(id, 2n, { owner: `${id}-bob` }));
      const left = await opaqueStore.query({ index: 1, partition: owner("ann") });
      expectEqual(left.rows.length, 0, "rows of the first owner after the change");
      const moved = await opaqueStore.query({ index: 1, partition: owner("bob") });
      expectEqual(
        moved.rows.map(({ version }) => version),
        [2n],
        "versions of the second owner's rows",
      );
    },
  },
  {
    name: "aggregate: ids and values of any characters keep their rows apart, in the table and in an index",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const base = context.id("tenant");
      const hostile = [
        "",
        "#",
        "#a",
        "#AGG",
        "#id#",
        "\u0000",
        "\u0000#",
        "__proto__",
        "e\u0301",
        "\u00e9",
        "\u{1f600}",
        "%",
        "_",
        '"}',
      ];
      const tenants = [
        ...hostile.map((end) => `${base}${end}`),
        `${base}${"x".repeat(900)}`,
        `${base}${"x".repeat(901)}`,
      ];
      for (const tenant of tenants) await store.saveAggregate(AccountSchema, account(tenant, 1n, { owner: tenant }));
      for (const tenant of tenants) {
        const expected = account(tenant, 1n, { owner: tenant });
        expectMessage(AccountSchema, await getRow(opaqueStore, accountKey(tenant)), expected);
        const partition = `protosource_conformance_v1#account#owner#${tenant}`;
        const { rows } = await opaqueStore.query({ index: 1, partition });
        expectEqual(
          rows.map(({ pk }) => pk),
          [accountKey(tenant).pk],
          `rows of ${JSON.stringify(tenant)}`,
        );
      }
    },
  },
  {
    name: "aggregate: changing a message after it was saved changes nothing stored",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("copied");
      const message = account(id, 1n, { note: "before" });
      await store.saveAggregate(AccountSchema, message);
      message.note = "after";
      expectMessage(AccountSchema, await getRow(opaqueStore, accountKey(id)), account(id, 1n, { note: "before" }));
    },
  },
];

const staleStates: readonly ConformanceCase[] = [
  {
    name: "aggregate: a later version replaces an earlier one",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("later");
      await store.saveAggregate(AccountSchema, account(id, 1n, { note: "one" }));
      const outcome = await store.saveAggregate(AccountSchema, account(id, 2n, { note: "two" }));
      expectEqual(outcome, { written: true }, "outcome");
      expectMessage(AccountSchema, await getRow(opaqueStore, accountKey(id)), account(id, 2n, { note: "two" }));
    },
  },
  {
    name: "aggregate: an earlier version doesn't replace a later one, and says so",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("earlier");
      await store.saveAggregate(AccountSchema, account(id, 10n, { note: "ten" }));
      const outcome = await store.saveAggregate(AccountSchema, account(id, 9n, { note: "nine" }));
      expectEqual(outcome, { written: false }, "outcome");
      expectMessage(AccountSchema, await getRow(opaqueStore, accountKey(id)), account(id, 10n, { note: "ten" }));
    },
  },
  {
    name: "aggregate: the same version is written again",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("same");
      await store.saveAggregate(AccountSchema, account(id, 3n, { note: "first" }));
      const outcome = await store.saveAggregate(AccountSchema, account(id, 3n, { note: "rebuilt" }));
      expectEqual(outcome, { written: true }, "outcome");
      expectMessage(AccountSchema, await getRow(opaqueStore, accountKey(id)), account(id, 3n, { note: "rebuilt" }));
    },
  },
  {
    name: "aggregate: versions compare exactly up to 2^63 - 1",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("int64");
      await store.saveAggregate(AccountSchema, account(id, MAX_INT64));
      const outcome = await store.saveAggregate(AccountSchema, account(id, MAX_INT64 - 1n));
      expectEqual(outcome, { written: false }, "outcome of the earlier version");
      expectEqual((await getRow(opaqueStore, accountKey(id))).version, MAX_INT64, "version");
    },
  },
  {
    name: "aggregate: of several writers at once the latest version stays",
    needs: ["aggregates"],
    async run(context) {
      const clients = [await openAggregateStore(context), await openAggregateStore(context)];
      const id = context.id("writers");
      const writes = [3n, 1n, 5n, 2n, 4n, 5n].map((version, i) =>
        clients[i % clients.length]?.store.saveAggregate(AccountSchema, account(id, version)),
      );
      await Promise.all(writes);
      const { opaqueStore } = await openAggregateStore(context);
      expectEqual((await getRow(opaqueStore, accountKey(id))).version, 5n, "version");
    },
  },
  {
    name: "aggregate: the version option guards a message without a version",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("version-option");
      const summary = (note: string) => create(AccountSummarySchema, { id, note });
      const save = (note: string, version: bigint) =>
        store.saveAggregate(AccountSummarySchema, summary(note), { version });
      expectEqual(await save("five", 5n), { written: true }, "outcome of version 5");
      expectEqual(await save("four", 4n), { written: false }, "outcome of version 4");
      const row = await getRow(opaqueStore, { pk: accountKey(id).pk, sk: "PROJ#AccountSummary" });
      expectEqual(row.version, 5n, "version");
      expectMessage(AccountSummarySchema, row, summary("five"));
    },
  },
  {
    name: "aggregate: a row that has no version is judged by its message",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("foreign-row");
      // A writer that knows no versions of rows leaves one without.
      await opaqueStore.put({ ...opaqueDataFromMessage(AccountSchema, account(id, 5n)), version: 0n });
      expectEqual(
        await store.saveAggregate(AccountSchema, account(id, 4n)),
        { written: false },
        "outcome of version 4",
      );
      expectEqual(await store.saveAggregate(AccountSchema, account(id, 6n)), { written: true }, "outcome of version 6");
      expectEqual((await getRow(opaqueStore, accountKey(id))).version, 6n, "version");
    },
  },
];

const expiry: readonly ConformanceCase[] = [
  {
    name: "aggregate: the aggregate's event_ttl_seconds make the row's expiry",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("session");
      await store.saveAggregate(SessionSchema, create(SessionSchema, { id, version: 1n }));
      const t = epochSeconds(context.clock) + BigInt(SESSION_TTL_SECONDS);
      expectEqual((await getRow(opaqueStore, sessionKey(id))).t, t, "t");
      context.clock.advanceSeconds(SESSION_TTL_SECONDS);
      expectEqual(await opaqueStore.get(sessionKey(id)), undefined, "expired row");
    },
  },
  {
    name: "aggregate: the option ttlSeconds beats the annotation, and 0 is never",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("ttl-option");
      const message = create(SessionSchema, { id, version: 1n });
      await store.saveAggregate(SessionSchema, message, { ttlSeconds: 5 });
      expectEqual((await getRow(opaqueStore, sessionKey(id))).t, epochSeconds(context.clock) + 5n, "t");
      await store.saveAggregate(SessionSchema, message, { ttlSeconds: 0 });
      expectEqual((await getRow(opaqueStore, sessionKey(id))).t, 0n, "t of a row that never expires");
    },
  },
  {
    name: "aggregate: the option expiry beats the annotation, and 0 is never",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("expiry-option");
      const message = create(SessionSchema, { id, version: 1n });
      const expiry = epochSeconds(context.clock) + 5n;
      await store.saveAggregate(SessionSchema, message, { expiry });
      expectEqual((await getRow(opaqueStore, sessionKey(id))).t, expiry, "t");
      await store.saveAggregate(SessionSchema, message, { expiry: 0n });
      expectEqual((await getRow(opaqueStore, sessionKey(id))).t, 0n, "t of a row that never expires");
    },
  },
  {
    name: "aggregate: the store's time to live makes the expiry of a row without an annotation",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context, { ttlSeconds: 5 });
      const [session, unending] = [context.id("session"), context.id("account")];
      await store.saveAggregate(SessionSchema, create(SessionSchema, { id: session, version: 1n }));
      await store.saveAggregate(AccountSchema, account(unending, 1n));
      const now = epochSeconds(context.clock);
      expectEqual(
        (await getRow(opaqueStore, sessionKey(session))).t,
        now + BigInt(SESSION_TTL_SECONDS),
        "t by annotation",
      );
      expectEqual((await getRow(opaqueStore, accountKey(unending))).t, now + 5n, "t by the store");
    },
  },
  {
    name: "aggregate: an expired row of a later version is replaced",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("expired-row");
      await store.saveAggregate(SessionSchema, create(SessionSchema, { id, version: 9n }));
      context.clock.advanceSeconds(SESSION_TTL_SECONDS);
      const outcome = await store.saveAggregate(SessionSchema, create(SessionSchema, { id, version: 1n }));
      expectEqual(outcome, { written: true }, "outcome");
      expectEqual((await getRow(opaqueStore, sessionKey(id))).version, 1n, "version");
    },
  },
];

const badInput: readonly ConformanceCase[] = [
  {
    name: "aggregate: without an OpaqueStore it is not_configured",
    needs: ["aggregates", "optional-opaque-store"],
    async run(context) {
      const { store } = await openAggregateStore(context, { withoutOpaqueStore: true });
      const saved = store.saveAggregate(AccountSchema, account(context.id("homeless"), 1n));
      await expectError("not_configured", saved, { option: "opaqueStore" });
    },
  },
  {
    name: "aggregate: a message without key annotations is not_keyed",
    needs: ["aggregates"],
    async run(context) {
      const { store } = await openAggregateStore(context);
      const saved = store.saveAggregate(NoteSchema, create(NoteSchema, { id: context.id("note") }));
      await expectError("not_keyed", saved, { typeName: NoteSchema.typeName });
    },
  },
  {
    name: "aggregate: a time to live that isn't a whole number is invalid_argument",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("bad-ttl");
      for (const ttlSeconds of [1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        const saved = store.saveAggregate(AccountSchema, account(id, 1n), { ttlSeconds });
        await expectError("invalid_argument", saved, { argument: "ttlSeconds" });
      }
      expectEqual(await opaqueStore.get(accountKey(id)), undefined, "row");
    },
  },
  {
    name: "aggregate: a key over 2048 bytes is too_large",
    needs: ["aggregates"],
    async run(context) {
      const { store } = await openAggregateStore(context);
      const saved = store.saveAggregate(AccountSchema, account(context.id("x".repeat(2048)), 1n));
      await expectError("too_large", saved, { what: "pk", limit: 2048 });
    },
  },
  {
    name: "aggregate: a key that no index takes is too_large, and with omitLongKeys the row stays out of that index",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("long-key");
      const summary = create(AccountSummarySchema, { id, owner: id, note: "ü".repeat(512) });
      const key = { pk: accountKey(id).pk, sk: "PROJ#AccountSummary" };
      const saved = store.saveAggregate(AccountSummarySchema, summary, { version: 1n });
      await expectError("too_large", saved, { what: "gsi1sk", limit: 1024 });
      expectEqual(await opaqueStore.get(key), undefined, "row");
      await store.saveAggregate(AccountSummarySchema, summary, { version: 1n, omitLongKeys: true });
      expectMessage(AccountSummarySchema, await getRow(opaqueStore, key), summary);
      const partition = `protosource_conformance_v1#accountsummary#owner#${id}`;
      expectEqual((await opaqueStore.query({ index: 1, partition })).rows, [], "rows of the index");
    },
  },
  {
    name: "aggregate: an aborted signal cancels, and nothing is stored",
    needs: ["aggregates"],
    async run(context) {
      const { store, opaqueStore } = await openAggregateStore(context);
      const id = context.id("aborted");
      const saved = store.saveAggregate(AccountSchema, account(id, 1n), { signal: AbortSignal.abort() });
      await expectError("cancelled", saved);
      expectEqual(await opaqueStore.get(accountKey(id)), undefined, "row");
    },
  },
];

/** The cases of `AggregateStore`. */
export const aggregateCases: readonly ConformanceCase[] = [...rows, ...staleStates, ...expiry, ...badInput];

async function openAggregateStore(
  context: ConformanceContext,
  options?: Omit<OpenOptions, "clock">,
): Promise<{ store: Store & AggregateStore; opaqueStore: OpaqueStore }> {
  const { store, opaqueStore } = await context.open(options);
  expectTrue(typeof store.saveAggregate === "function", "a store with the capability aggregates has saveAggregate");
  return { store: store as Store & AggregateStore, opaqueStore: opaqueStore as OpaqueStore };
}

function account(
  id: string,
  version: bigint,
  fields: { owner?: string; openedAt?: bigint; note?: string } = {},
): Account {
  return create(AccountSchema, { id, version, ...fields });
}

function accountKey(id: string): { pk: string; sk: string } {
  return { pk: `protosource_conformance_v1#account#id#${id}`, sk: "AGG" };
}

function sessionKey(id: string): { pk: string; sk: string } {
  return { pk: `protosource_conformance_session_v1#session#id#${id}`, sk: "AGG" };
}

async function getRow(store: OpaqueStore, key: { pk: string; sk: string }): Promise<OpaqueRow> {
  const row = await store.get(key);
  if (row === undefined) throw new Error(`expected a row under ${key.pk}, ${key.sk}, and there is none`);
  expectEqual({ pk: row.pk, sk: row.sk }, key, "keys of the row");
  return row;
}

function expectMessage<D extends DescMessage>(schema: D, row: OpaqueRow, expected: MessageShape<D>): void {
  const actual = rehydrate(schema, row);
  if (!equals(schema, actual, expected)) expectEqual(actual, expected, "message of the row");
}
