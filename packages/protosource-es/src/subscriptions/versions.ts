/** Which version of a read model is served, and how another one takes its place. */
import type { CallOptions } from "../call-options.js";
import { invalid, ProtosourceError } from "../errors.js";
import type { OpaqueStore, ScannableOpaqueStore } from "../opaquedata/opaque-store.js";
import type { Engine } from "./engine.js";
import { modelRows } from "./model-rows.js";
import { type Subscription, type SubscriptionStore, subscriptionId } from "./subscription.js";

/** The mark of the time at which a subscription had seen all that was stored, in microseconds. */
export const CAUGHT_UP = "caught-up";

/** The mark of the version that is served, beside the name alone. */
const SERVED = "served";

/** How long a reader keeps in mind which version is served, in milliseconds. */
const SERVED_MS = 30_000;

/**
 * Has a version served from now on; readers notice within 30 seconds.
 *
 * Throws `invalid_argument` while it has never caught up, and while streams of it are parked.
 */
export async function promote(engine: Engine, subscription: Subscription): Promise<void> {
  const { store, signal } = engine;
  const id = subscriptionId(subscription);
  if ((await store.readMark(id, CAUGHT_UP, { signal })) === 0n) {
    throw invalid("subscription", `${id} has not caught up with what is stored: call catchUp first`);
  }
  const { positions } = await store.scanPositions(id, { parked: true, limit: 1, signal });
  if (positions.length > 0) {
    throw invalid("subscription", `${id} is parked in ${positions[0]?.streamId}: release what is parked first`);
  }
  await store.setMark(subscription.name, SERVED, BigInt(subscription.version), { signal });
}

/** Reads which version of a name is served; 0 for none that was promoted. */
export async function servedVersion(
  store: Pick<SubscriptionStore, "readMark">,
  name: string,
  options: CallOptions = {},
): Promise<number> {
  return Number(await store.readMark(name, SERVED, options));
}

/**
 * Gives the rows of the version of a read model that is served, for the generated query classes: that of the last
 * `promote`, or the given one where none was. It reads which one at most every 30 seconds: 1 read unit.
 */
export function servedRows(
  model: Pick<Subscription, "name" | "version">,
  { store, opaqueStore }: { readonly store: Pick<SubscriptionStore, "readMark">; readonly opaqueStore: OpaqueStore },
): OpaqueStore {
  let known: { readonly until: number; readonly rows: OpaqueStore } | undefined;
  const rows = async (): Promise<OpaqueStore> => {
    if (known === undefined || performance.now() >= known.until) {
      const version = (await servedVersion(store, model.name)) || model.version;
      const served = modelRows(opaqueStore, subscriptionId({ name: model.name, version }));
      known = { until: performance.now() + SERVED_MS, rows: served };
    }
    return known.rows;
  };
  return {
    get: async (key, options) => (await rows()).get(key, options),
    query: async (query) => (await rows()).query(query),
    put: async (row, options) => (await rows()).put(row, options),
    delete: async (key, options) => (await rows()).delete(key, options),
  };
}

/** Gives the store of rows that can be scanned. Throws `not_configured` where there is none. */
export function scannableRows(opaqueStore: OpaqueStore | undefined): OpaqueStore & ScannableOpaqueStore {
  if (opaqueStore !== undefined && "scan" in opaqueStore) return opaqueStore as OpaqueStore & ScannableOpaqueStore;
  throw new ProtosourceError(
    "not_configured",
    "the rows of a version are found by a scan: give Subscriptions an opaqueStore that can be scanned",
    { option: "opaqueStore" },
  );
}
