/** Which version of a read model is served, and how another one takes its place. */
import type { CallOptions } from "../call-options.js";
import { type ErrorDetails, ProtosourceError } from "../errors.js";
import type { OpaqueStore, ScannableOpaqueStore } from "../opaquedata/opaque-store.js";
import type { AuditFinding, AuditReport } from "./audit.js";
import type { CatchUpPlan } from "./catch-up.js";
import type { Engine } from "./engine.js";
import { WAITS_TOO_LONG } from "./look.js";
import { modelRows } from "./model-rows.js";
import { type Subscription, type SubscriptionStore, subscriptionId } from "./subscription.js";

/** The mark of the time at which a subscription had seen all that was stored, in microseconds. */
export const CAUGHT_UP = "caught-up";

/** The mark of the version that is served, beside the name alone. */
const SERVED = "served";

/** How long a reader keeps in mind which version is served, in milliseconds. */
const SERVED_MS = 30_000;

/** How a promotion looks at the streams first. */
export interface PromotePlan extends Omit<CatchUpPlan, "resume"> {
  /**
   * Whether all streams are looked at first. True by default. Without that a version that fell behind is served as it
   * stands: a way back in a hurry, to one that no worker has kept fed.
   */
  readonly audit?: boolean | undefined;
}

/**
 * Has a version served from now on; readers notice within 30 seconds. `findings` audits it.
 *
 * Throws `not_caught_up` while it lacks something of what is stored.
 */
export async function promote(
  { store, clock, signal }: Pick<Engine, "store" | "clock" | "signal">,
  subscription: Subscription,
  findings: (() => Promise<Pick<AuditReport, "behind" | "ahead">>) | undefined,
): Promise<void> {
  const id = subscriptionId(subscription);
  if ((await store.readMark(id, CAUGHT_UP, { signal })) === 0n) {
    throw notCaughtUp(id, "never", [], "has not caught up with what is stored: call catchUp first");
  }
  const { positions } = await store.scanPositions(id, { parked: true, limit: 1, signal });
  if (positions.length > 0) {
    throw notCaughtUp(id, "parked", positions, `is parked in ${positions[0]?.streamId}: release what is parked first`);
  }
  const { behind, ahead } = (await findings?.()) ?? { behind: [], ahead: [] };
  const now = clock.now();
  const late = behind.filter(({ lacks, since = 0n }) => lacks === "events" && now - since >= WAITS_TOO_LONG);
  if (late.length > 0) {
    const advice = "call catchUp, or audit with repair, and promote it then, or without an audit as it stands";
    throw notCaughtUp(id, "behind", late, `lacks events of ${named(late)}: ${advice}`);
  }
  if (ahead.length > 0) {
    const advice = "build a new version, whose rows are of what is stored, or promote it without an audit as it stands";
    throw notCaughtUp(
      id,
      "ahead",
      ahead,
      `has handled events of ${named(ahead)} that aren't stored any more: ${advice}`,
    );
  }
  await store.setMark(subscription.name, SERVED, BigInt(subscription.version), { signal });
}

function named([first, ...others]: readonly Pick<AuditFinding, "streamId">[]): string {
  return others.length === 0 ? `${first?.streamId}` : `${first?.streamId} and ${others.length} more streams`;
}

function notCaughtUp(
  subscription: string,
  reason: ErrorDetails["not_caught_up"]["reason"],
  [first]: readonly Pick<AuditFinding, "streamId">[],
  text: string,
): ProtosourceError<"not_caught_up"> {
  const details = { subscription, reason, streamId: first?.streamId };
  return new ProtosourceError("not_caught_up", `${subscription} ${text}`, details);
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
