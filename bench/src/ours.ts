/** This package's store of streams, and the repository on it. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import {
  type History,
  Repository,
  type RepositoryOptions,
  type RepositoryStore,
  rebuild,
  type SnapshotTailStore,
  type StoredRecord,
} from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, type DynamoDBStoreOptions, ensureTables } from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import {
  type OrderEvent,
  type OrderTypes,
  orderCommands,
} from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../examples/orders/src/order.js";
import type { Answer, Contender } from "./contender.js";
import { ACTOR, STREAM_PREFIX, schemaOf } from "./sample.js";

/** What of a store's options the bench varies. */
export type Variant = Pick<DynamoDBStoreOptions, "fastPath" | "layout">;

/** Makes a DynamoDBStore with tables of its own. */
export async function createOurs(client: DynamoDBClient, table: string, variant: Variant = {}): Promise<Contender> {
  const rows = `${table}-rows`;
  await ensureTables(client, { eventsTable: table, aggregatesTable: rows });
  const { fastPath } = variant;
  const opaqueStore = new DynamoDBOpaqueStore(client, { table: rows, fastPath });
  const store = new DynamoDBStore(client, { ...variant, eventsTable: table, opaqueStore });
  return {
    ...contenderOf(store),
    async rebuild() {
      const { streams } = await rebuild([order], store, opaqueStore);
      return streams;
    },
  };
}

/** Makes a contender of any store. */
export function contenderOf(store: RepositoryStore & SnapshotTailStore): Contender {
  const repository = (options: RepositoryOptions): Repository<OrderTypes> => new Repository(order, store, options);
  const orders = repository({ materialize: "off" });
  return {
    refuses: true,
    applier({ warm, materialize }) {
      const applying = repository({ materialize, ...(warm ? { cache: new Map(), guardCache: false } : {}) });
      return async (id, shippingAddress) => {
        const command = orderCommands.SetShipping({ shippingAddress });
        const { version } = await applying.apply(command, { id, actor: ACTOR });
        return Number(version);
      };
    },
    append: (id, from, events) =>
      store.save(
        STREAM_PREFIX + id,
        events.map((event, i) => recordOf(event, from + i)),
      ),
    async loadRecords(id) {
      return answer(await store.load(STREAM_PREFIX + id));
    },
    async loadEvents(id) {
      const events = await orders.history(id);
      return { count: events.length, last: Number(events.at(-1)?.version) };
    },
    async tail(id, n) {
      return answer(await store.loadTail(STREAM_PREFIX + id, n));
    },
  };
}

function answer({ records }: History): Answer {
  return { count: records.length, last: Number(records.at(-1)?.version) };
}

/** Gives the record of an event, as the repository does. */
function recordOf(event: OrderEvent, version: number): StoredRecord {
  const data = binarySerializer.serialize(schemaOf(event), event);
  return create(StoredRecordSchema, { version: BigInt(version), data });
}
