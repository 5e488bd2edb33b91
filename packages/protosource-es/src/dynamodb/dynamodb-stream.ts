/** What rings when an events table of DynamoDB has changed. */
import type { CallOptions } from "../call-options.js";
import { whenAborted } from "../signals.js";
import type { DoorbellBatch, DoorbellSource } from "../store/doorbell.js";
import { createArrivals } from "./arrivals.js";
import { doorbellOf } from "./change-doorbells.js";
import { createChangeRequests } from "./change-requests.js";
import type { RequestOptions } from "./sending.js";
import { followShards } from "./shard-follower.js";
import type { ShardLeases } from "./shard-leases.js";
import type { ShardPage } from "./shard-reader.js";
import { checkStreamsClient, type DynamoDBStreamsLike } from "./streams-client.js";
import { DEFAULT_EVENTS_TABLE, eventsTableName } from "./table-names.js";

export interface DynamoDBStreamOptions extends Pick<RequestOptions, "timeLimits" | "onRequest"> {
  /** The events table. `"events"` by default. */
  readonly table?: string | undefined;
  /** Milliseconds between two looks at a shard that brings nothing. 250 by default. */
  readonly idleMs?: number | undefined;
  /** How more than two workers share the shards. By default each reads all of them. */
  readonly leases?: ShardLeases | undefined;
}

const IDLE_MS = 250;

/**
 * Follows the streams of an events table, each of its shards from the oldest record on, all at once and in no order
 * among them. What is read twice or in disorder does no harm to a subscription. It needs no table of its own.
 *
 * The stream must be on, with any view type: one that doesn't bring what was saved costs a subscription a read of each
 * event. A shard is looked at four times a second while nothing happens, which is 10.4 million requests a month or
 * about $2, the first 2.5 million being free. DynamoDB serves two readers of a shard: where more workers run, give them
 * `leases`, so that the others stand by, and begin at the oldest record when one of the two has gone.
 *
 * Requests that fail for now are repeated without end; `onRequest` is told of each. Listening throws `not_configured`
 * when no stream is on, `denied`, and `unavailable` if DynamoDB doesn't answer at the beginning.
 */
export function dynamoDBStream(client: DynamoDBStreamsLike, options: DynamoDBStreamOptions = {}): DoorbellSource {
  checkStreamsClient(client);
  const table: string = eventsTableName(options.table ?? DEFAULT_EVENTS_TABLE);
  const requests = createChangeRequests(client, table, options);
  const { idleMs = IDLE_MS, leases } = options;
  return {
    async *listen({ signal }: CallOptions = {}) {
      const end = new AbortController();
      const forget = whenAborted(signal, () => end.abort());
      const arrivals = createArrivals<ShardPage>(end.signal);
      const following = followShards(requests, table, { idleMs, leases }, arrivals, end.signal);
      try {
        while (!end.signal.aborted) {
          const pages = await arrivals.take();
          if (pages.length > 0) yield batchOf(pages);
        }
      } finally {
        forget();
        end.abort();
        await following;
      }
    },
  };
}

function batchOf(pages: readonly ShardPage[]): DoorbellBatch {
  const doorbells = pages.flatMap(({ records }) => records.flatMap((record) => doorbellOf(record) ?? []));
  return pages.some(({ missed }) => missed) ? { doorbells, missed: true } : { doorbells };
}
