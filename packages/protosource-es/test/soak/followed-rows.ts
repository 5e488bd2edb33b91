/** What the rows of a soak of subscriptions must be: a plain fold of all streams, beside what they are. */
import { create, createRegistry, toBinary } from "@bufbuild/protobuf";
import { type EventStore, metaOf, type StoredRecord } from "protosource-es";
import { type OpaqueStore, queryClient } from "protosource-es/opaquedata";
import { binarySerializer } from "protosource-es/serializer";
import { modelRows } from "protosource-es/subscriptions";
import { file_example_app_order_v1_order_v1 } from "../gen/example/app/order/v1/order_v1_pb.js";
import { type CustomerSales, CustomerSalesSchema } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import { file_example_app_test_v1_test_v1 } from "../gen/example/app/test/v1/test_v1_pb.js";

const registry = createRegistry(file_example_app_order_v1_order_v1, file_example_app_test_v1_test_v1);

/** What the soak writes and the journal notes. */
const HANDLED = new Set([
  ...["Created", "ItemAdded", "Placed"].map((name) => `example.app.order.v1.${name}`),
  ...["Created", "Updated"].map((name) => `example.app.test.v1.${name}`),
]);

/** What a fold of all streams comes to. */
export interface Fold {
  readonly events: number;
  readonly streams: number;
  readonly rows: ReadonlyMap<string, CustomerSales>;
  /** The versions of each stream that a handler must get. */
  readonly versions: ReadonlyMap<string, readonly string[]>;
  /** What the process must answer, and what its tallies tell that it has: events as `<stream>:<version>`. */
  readonly placed: readonly string[];
  readonly tallied: readonly string[];
  /** What the outbox must send. */
  readonly outgoing: readonly string[];
}

export async function foldAll(store: EventStore): Promise<Fold> {
  const streams = new Map<string, StoredRecord[]>();
  let cursor: string | undefined;
  do {
    const page = await store.scan({ cursor, limit: 1_000 });
    for (const { aggregateId, record } of page.records) {
      const records = streams.get(aggregateId) ?? [];
      streams.set(aggregateId, records);
      records.push(record);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);

  const rows = new Map<string, CustomerSales>();
  const versions = new Map<string, string[]>();
  const placed: string[] = [];
  const tallied: string[] = [];
  const outgoing: string[] = [];
  let events = 0;
  const rowOf = (customerId: string): CustomerSales => {
    const row = rows.get(customerId) ?? create(CustomerSalesSchema, { customerId });
    rows.set(customerId, row);
    return row;
  };
  for (const [streamId, records] of streams) {
    let customerId = "";
    let cents = 0n;
    const seen: string[] = [];
    for (const record of records) {
      events++;
      const event = binarySerializer.deserialize(record.data, registry, streamId) as unknown as {
        readonly $typeName: string;
        readonly customerId: string;
        readonly customerName: string;
        readonly item?: { readonly priceCents: bigint };
        readonly body: string;
      };
      const id = `${streamId}:${record.version}`;
      const { causation } = metaOf(record) ?? {};
      if (causation !== undefined) tallied.push(`${causation.streamId}:${causation.version}`);
      if (HANDLED.has(event.$typeName)) seen.push(record.version.toString());
      switch (event.$typeName) {
        case "example.app.order.v1.Created":
          ({ customerId } = event);
          rowOf(customerId).orders += 1n;
          rowOf(customerId).region = event.customerName;
          outgoing.push(id);
          break;
        case "example.app.order.v1.ItemAdded":
          rowOf(customerId).items += 1n;
          cents += event.item?.priceCents ?? 0n;
          break;
        case "example.app.order.v1.Placed":
          rowOf(customerId).placed += 1n;
          rowOf(customerId).totalCents += cents;
          outgoing.push(id);
          placed.push(id);
          break;
        case "example.app.test.v1.Created":
        case "example.app.test.v1.Updated":
          rowOf(event.body).testEvents += 1n;
          break;
        default:
      }
    }
    versions.set(streamId, seen);
  }
  return { events, streams: streams.size, rows, versions, placed, tallied, outgoing };
}

/** What is wrong with rows, effects and positions. */
export interface Findings {
  readonly wrongRows: number;
  readonly skipped: number;
  readonly doubled: number;
  readonly effectsWithoutPosition: number;
  readonly positionsWithoutEffect: number;
  readonly commandsSkipped: number;
  readonly commandsDoubled: number;
  readonly unsent: number;
}

export async function compare(
  store: EventStore,
  opaqueStore: OpaqueStore,
  fold: Fold,
  sent: ReadonlySet<string>,
): Promise<Findings> {
  const rowsOf = (name: string) => queryClient(CustomerSalesSchema, modelRows(opaqueStore, name));
  const [salesRows, journalRows] = [rowsOf("sales@1"), rowsOf("journal@1")];
  let wrongRows = 0;
  for (const [customer, expected] of fold.rows) {
    const found = await salesRows.get(customer);
    if (found === undefined || hex(found) !== hex(expected)) wrongRows++;
  }
  let [skipped, doubled, effectsWithoutPosition, positionsWithoutEffect] = [0, 0, 0, 0];
  for (const [streamId, expected] of fold.versions) {
    const noted = ((await journalRows.get(streamId))?.region ?? "").split(",").slice(0, -1);
    const unique = new Set(noted);
    skipped += expected.filter((version) => !unique.has(version)).length;
    doubled += noted.length - unique.size;
    if (noted.join() !== expected.join()) wrongRows++;
    const [position] = await store.readPositions("journal@1", [streamId]);
    const at = position?.version ?? 0n;
    effectsWithoutPosition += noted.filter((version) => BigInt(version) > at).length;
    positionsWithoutEffect += expected.filter((version) => BigInt(version) <= at && !unique.has(version)).length;
  }
  const tallied = new Set(fold.tallied);
  return {
    wrongRows,
    skipped,
    doubled,
    effectsWithoutPosition,
    positionsWithoutEffect,
    commandsSkipped: fold.placed.filter((id) => !tallied.has(id)).length,
    commandsDoubled: fold.tallied.length - tallied.size,
    unsent: fold.outgoing.filter((id) => !sent.has(id)).length,
  };
}

function hex(row: CustomerSales): string {
  return Buffer.from(toBinary(CustomerSalesSchema, row)).toString("hex");
}
