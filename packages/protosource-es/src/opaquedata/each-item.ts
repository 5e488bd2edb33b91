import type { Page } from "./query-options.js";

/**
 * Reads all messages of a query one by one, a page at a time: a large partition is never all in memory.
 *
 * ```ts
 * for await (const order of eachItem((cursor) => orders.selectByCustomerId("c-9", { cursor }))) …
 * ```
 */
export async function* eachItem<M>(
  read: (cursor: string | undefined) => Promise<Page<M>>,
): AsyncGenerator<M, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
