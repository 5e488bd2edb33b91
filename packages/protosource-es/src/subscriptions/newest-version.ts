/** Which version of a subscription is the newest that has run: an earlier one would do again what that has done. */
import { ProtosourceError } from "../errors.js";
import { type Subscription, type SubscriptionStore, subscriptionId } from "./subscription.js";

/** The mark of the newest version that has run, beside the name alone. */
const NEWEST = "newest";

type MarkStore = Pick<SubscriptionStore, "readMark" | "setMark">;

/**
 * Lets a version work, and keeps that it has. Versions of rows stand beside each other and are all let through; what
 * others have done stays done. Price: 1 read unit, and 1 write unit the first time.
 *
 * Throws `not_configured` for a version below one that has run.
 */
export async function admitVersion(
  store: MarkStore,
  { kind, name, version }: Pick<Subscription, "kind" | "name" | "version">,
): Promise<void> {
  if (kind === "read-model" || kind === "ledger") return;
  for (;;) {
    const was = await store.readMark(name, NEWEST);
    if (was > BigInt(version)) {
      const [older, newer] = [subscriptionId({ name, version }), subscriptionId({ name, version: Number(was) })];
      throw new ProtosourceError(
        "not_configured",
        `${newer} has run, and ${older} would do again what it has done: raise the version, or drop ${newer} first`,
        { option: "version" },
      );
    }
    if (was === BigInt(version) || (await store.setMark(name, NEWEST, BigInt(version), { was }))) return;
  }
}

/** Forgets that a version has run, where it is the newest. */
export async function forgetVersion(
  store: MarkStore,
  { name, version }: Pick<Subscription, "name" | "version">,
): Promise<void> {
  await store.setMark(name, NEWEST, 0n, { was: BigInt(version) });
}
