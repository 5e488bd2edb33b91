/** Rows that are read from another place than they are written to. */
import { ProtosourceError } from "../errors.js";
import type { OpaqueKey } from "../opaquedata/opaque-store.js";
import type { Engine } from "./engine.js";

/**
 * Checks that a row that wasn't as it was read is read from where the store writes it. Price: nothing where that is one
 * and the same `opaqueStore`, and else up to 3 reads.
 *
 * Throws `not_configured` where the store has the row, unchanged, and the other place hasn't.
 */
export async function checkRowsPlace(
  { store, opaqueStore, signal }: Engine,
  subscription: string,
  { pk, sk }: OpaqueKey,
): Promise<void> {
  const written = store.opaqueStore;
  if (written === undefined || opaqueStore === undefined || written === opaqueStore) return;
  const read = (rows: typeof written) => rows.get({ pk, sk }, { consistent: true, signal });
  const before = await read(written);
  if (before === undefined || (await read(opaqueStore)) !== undefined) return;
  // Another worker may have removed it between the two.
  if ((await read(written))?.version !== before.version) return;
  throw new ProtosourceError(
    "not_configured",
    `the rows of ${subscription} are read from another place than the store writes them to: give Subscriptions the opaqueStore of its store, or leave it out`,
    { option: "opaqueStore" },
  );
}
