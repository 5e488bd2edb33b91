/**
 * Emmett's store of events in an SQLite file. It sets a write-ahead log, and leaves SQLite's `synchronous` at FULL.
 *
 * It opens a connection for each call and doesn't wait for its own setting of the log, so that a call on a busy machine
 * fails with SQLITE_BUSY now and then. Such a call is made again.
 */
import type { Contender } from "../contender.js";
import { plainEvent } from "../sample.js";
import { requirePeer } from "./installed.js";

interface EventStore {
  appendToStream(
    stream: string,
    events: readonly { readonly type: string; readonly data: unknown }[],
    options: { readonly expectedStreamVersion: bigint },
  ): Promise<unknown>;
  readStream(stream: string): Promise<{ readonly events: readonly { readonly data: { readonly version: number } }[] }>;
}

const MAX_ATTEMPTS = 20;

/** Makes a store of a new file. */
export function createEmmettSqlite(fileName: string): Contender {
  const { getSQLiteEventStore } = requirePeer<{
    getSQLiteEventStore(options: { readonly fileName: string }): EventStore;
  }>("@event-driven-io/emmett-sqlite");
  const store = getSQLiteEventStore({ fileName });
  return {
    refuses: true,
    async append(id, from, events) {
      const plain = events.map((event) => {
        const { type, ...data } = plainEvent(event);
        return { type, data };
      });
      const expectedStreamVersion = BigInt(from - 1);
      await againWhenBusy(() => store.appendToStream(`order-${id}`, plain, { expectedStreamVersion }));
    },
    async loadEvents(id) {
      const { events } = await againWhenBusy(() => store.readStream(`order-${id}`));
      return { count: events.length, last: events.at(-1)?.data.version ?? 0 };
    },
  };
}

async function againWhenBusy<T>(call: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await call();
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== "SQLITE_BUSY" || attempts === MAX_ATTEMPTS) throw error;
    }
  }
}
