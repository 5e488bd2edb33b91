/** `aggregates prune`: rows of dropped projections and gone streams, and no others. */
import { create } from "@bufbuild/protobuf";
import { Repository, type Store } from "protosource-es";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { StoredRecordSchema } from "protosource-es/proto";
import { OpaqueDataSchema } from "protosource-es/proto/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  defineOrder,
  orderCommands,
} from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { type CliResult, runCli } from "../cli.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { ORDERS } from "../orders.js";

interface Place {
  readonly url: string;
  readonly store: Store & { restore: SqliteStore["restore"] };
  readonly opaqueStore: OpaqueStore;
  close(): void;
}

const folder = temporaryFolder();
const image = folder.path("image.binpb");
beforeAll(() => {
  buildImage(image);
});
afterAll(() => folder.remove());

const PK = "example_app_order_v1#order#id#";

/** Rows of a read model and a timer, for a stream that is gone. */
const OF_SUBSCRIPTIONS = [
  [`!model#sales@1#${PK}gone`, "AGG"],
  [`!model#sales@1#${PK}gone`, "PROJ#Old"],
  [`!timer#bills@1#${ORDERS}gone`, "unpaid"],
] as const;

/** A customer has one order at most. */
const unique = defineOrder({ ...order.rules, unique: { customer: ({ customerId }) => customerId } });

const places = [
  {
    name: "a file",
    async open(): Promise<Place> {
      const path = folder.path("orders.db");
      const database = openSqlite(path);
      const opaqueStore = new SqliteOpaqueStore(database);
      const store = new SqliteStore(database, { opaqueStore });
      return { url: `sqlite:${path}`, store, opaqueStore, close: () => database.close() };
    },
  },
  ...engines.map(({ name, endpoint }) => ({
    name,
    async open(): Promise<Place> {
      // The engine deletes nothing that has expired, as DynamoDB may not for days.
      const { url, store, opaqueStore, client } = await freshTables(endpoint, { ttl: false });
      return { url, store, opaqueStore, close: () => client.destroy() };
    },
  })),
];

describe.each(places)("aggregates prune on $name", ({ name, open }) => {
  let place: Place;
  const prune = (...more: string[]): Promise<CliResult> =>
    runCli(["aggregates", "prune", "--store", place.url, "--descriptors", image, "--json", ...more]);
  const needless = ({ json }: CliResult): string[] =>
    json()
      .flatMap(({ pk, sk, reason }) => (pk === undefined ? [] : [`${pk} ${sk} ${reason}`]))
      .toSorted();
  const has = async (pk: string, sk: string): Promise<boolean> =>
    (await place.opaqueStore.get({ pk, sk }, { consistent: true })) !== undefined;

  beforeAll(async () => {
    place = await open();
    const { store, opaqueStore } = place;
    const orders = new Repository(unique, store as SqliteStore);
    for (const id of ["1", "2"]) await orders.apply(orderCommands.Create({ id, actor: "ann", customerId: `c-${id}` }));
    const record = (version: bigint, ttl = 0n) => create(StoredRecordSchema, { version, ttl, data: Uint8Array.of(1) });
    await store.restore(`${ORDERS}damaged`, [record(1n)]);
    await store.restore(`${ORDERS}damaged`, [record(3n)]);
    await store.restore(`${ORDERS}expired`, [record(1n, 1n)]);
    for (const [pk, sk] of [
      [`${PK}1`, "PROJ#Old"],
      [`${PK}1`, "NOTE"],
      [`${PK}gone`, "AGG"],
      [`${PK}gone`, "PROJ#OrderSummary"],
      [`${PK}expired`, "AGG"],
      [`${PK}damaged`, "AGG"],
      ["another_program#gone", "AGG"],
      ...OF_SUBSCRIPTIONS,
    ] as const) {
      await opaqueStore.put(create(OpaqueDataSchema, { pk, sk, version: 1n, body: Uint8Array.of(1) }));
    }
  });
  afterAll(() => place.close());

  const EXPECTED = [
    `${PK}1 PROJ#Old dropped`,
    `${PK}expired AGG gone`,
    `${PK}gone AGG gone`,
    `${PK}gone PROJ#OrderSummary gone`,
  ];

  it("names them, and takes none away unless it is told to", async () => {
    const looked = await prune();
    expect(looked.code).toBe(3);
    expect(needless(looked)).toEqual(EXPECTED);
    expect(looked.json().at(-1)).toMatchObject({ pruned: { dropped: 1, gone: 3, removed: 0 } });
    expect(looked.stderr).toContain("--backup removed.jsonl");
    expect(needless(await prune())).toEqual(EXPECTED);
  });

  it("takes them away into a file that import takes, and leaves the others", async () => {
    const backup = folder.path(`${name}.jsonl`);
    const taken = await prune("--backup", backup);
    expect(taken.code).toBe(0);
    expect(taken.json().at(-1)).toMatchObject({ pruned: { removed: 4 } });
    expect(await prune("--backup", backup)).toMatchObject({ code: 2, stdout: "" });
    expect(await prune()).toMatchObject({ code: 0 });
    for (const [pk, sk] of [
      [`${PK}1`, "AGG"],
      [`${PK}2`, "PROJ#OrderSummary"],
      [`${PK}1`, "NOTE"],
      [`${PK}damaged`, "AGG"],
      ["another_program#gone", "AGG"],
      ...OF_SUBSCRIPTIONS,
    ] as const) {
      expect(await has(pk, sk)).toBe(true);
    }
    expect(await has(`${PK}gone`, "AGG")).toBe(false);
    const taker = new Repository(unique, place.store as SqliteStore);
    await expect(taker.apply(orderCommands.Create({ id: "3", actor: "ann", customerId: "c-1" }))).rejects.toMatchObject(
      { code: "claim_taken" },
    );
    const imported = await runCli(["import", backup, "--store", place.url, "--json"]);
    expect(imported.json()).toMatchObject([{ written: 4, problems: 0 }]);
    expect(needless(await prune())).toEqual(EXPECTED);
  });

  it("needs to know the aggregates", async () => {
    const { code, stderr } = await runCli(["aggregates", "prune", "--store", place.url]);
    expect(code).toBe(2);
    expect(stderr).toContain("--descriptors");
  });
});
