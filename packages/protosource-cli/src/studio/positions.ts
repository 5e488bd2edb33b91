/** How far subscriptions have come in streams. */
import type { Subscription } from "protosource-es/subscriptions";
import { subscriptionId } from "protosource-es/subscriptions";
import type { PersonalView } from "./personal-view.js";
import type { FollowedStore } from "./studio.js";
import type { ParkedSummary } from "./subscriptions-contract.js";

type StoredPositions = Awaited<ReturnType<FollowedStore["readPositions"]>>;

/** Shows why a stream stands still: what a handler failed with may quote what is personal. */
export function parkedView(
  { version, since, tries, error }: NonNullable<StoredPositions[number]["parked"]>,
  personal: PersonalView,
): Omit<ParkedSummary, "id"> {
  return { version: version.toString(), since: since.toString(), tries, error: personal.quote(error) };
}

/** Tells whether a subscription does something for events of a type in a stream. What can't be read isn't passed by. */
export function handles(subscription: Subscription, streamId: string, typeName: string | undefined): boolean {
  const source = sourceOf(subscription, streamId);
  return source !== undefined && (typeName === undefined || source.handles.has(typeName));
}

/** Finds the aggregate by which a subscription follows a stream; undefined when it doesn't. */
export function sourceOf({ sources }: Subscription, streamId: string): Subscription["sources"][number] | undefined {
  return sources.find(({ behaviour }) => streamId.startsWith(behaviour.streamPrefix));
}

/** Reads how far a subscription has come in streams that it follows, in their order. Price: 1 or 2 read units for each. */
export async function readPositions(
  store: FollowedStore,
  subscription: Subscription,
  streamIds: readonly string[],
  signal: AbortSignal,
): Promise<StoredPositions> {
  if (streamIds.length === 0) return [];
  const { rowOf } = subscription;
  const idOf = (streamId: string): string =>
    streamId.slice(sourceOf(subscription, streamId)?.behaviour.streamPrefix.length ?? 0);
  const rows = rowOf && streamIds.map((streamId) => rowOf(idOf(streamId)));
  return store.readPositions(subscriptionId(subscription), streamIds, { rows, signal });
}
