/** The subscriptions of a domain, from its module. */
import {
  type Subscription,
  Subscriptions,
  type SubscriptionsOptions,
  subscriptionId,
} from "protosource-es/subscriptions";
import { type StoreOption, useStore } from "./command.js";
import { usageError } from "./failure.js";
import { findSubscription } from "./find-subscription.js";
import { importModule, loadSchemas } from "./load-schemas.js";
import type { OpenStore, OpenStoreOptions } from "./open-store.js";
import type { Schemas } from "./schemas.js";
import { parseStoreUrl, type StoreLocation } from "./store-url.js";

export interface SubscriptionsOption extends StoreOption {
  readonly domain?: string;
}

/** The subscriptions of a domain, and the store that they work on. */
export interface KnownSubscriptions {
  readonly opened: OpenStore;
  readonly all: readonly Subscription[];
  /** The same for the same messages and code. */
  readonly fingerprint: string;
  /** Puts some of the subscriptions, or all, to work. */
  start(options?: Partial<Pick<SubscriptionsOptions, "all" | "observe">>): Subscriptions;
}

/**
 * Opens the store of a command with the subscriptions of its domain, and closes it when the work is done.
 *
 * Throws `invalid_argument` without a domain or a table of subscriptions, and for a module that gives no subscriptions.
 */
export async function useSubscriptions<T>(
  options: SubscriptionsOption,
  work: (known: KnownSubscriptions) => Promise<T>,
  openOptions: OpenStoreOptions = {},
): Promise<T> {
  const { domain } = options;
  if (!domain) {
    throw usageError("--domain", "no subscription is known: add --domain with the module that exports them");
  }
  const location = parseStoreUrl(options.store);
  requireFeeds(location);
  const { serializer, keyring, fingerprint } = await loadSchemas({ domain });
  return useStore(
    options,
    async (opened) => {
      const { store, opaqueStore } = opened;
      const all = await subscriptionsOf(domain, { store, opaqueStore });
      if (all === undefined) {
        throw usageError(
          "--domain",
          `${domain} exports no subscription: export what defineReadModel and its like return`,
        );
      }
      // In a file several would wait for a lock one after the other.
      const concurrency = location.kind === "sqlite" ? 1 : undefined;
      const start: KnownSubscriptions["start"] = (more) =>
        new Subscriptions({ store, opaqueStore, serializer, keyring, concurrency, all, ...more });
      return work({ opened, all, fingerprint, start });
    },
    openOptions,
  );
}

/**
 * Names the subscriptions of a domain that follow a stream and haven't handled it up to a version. Price: 1 or 2 read units
 * for each, and a read of what lies behind its position.
 *
 * Throws `invalid_argument` where there are some, and the store names no table of subscriptions.
 */
export async function subscriptionsBehind(
  { location, store, opaqueStore }: OpenStore,
  { domain, serializer, keyring }: Pick<Schemas, "serializer" | "keyring"> & { readonly domain: string },
  saved: { readonly streamId: string; readonly version: bigint },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const following = ((await subscriptionsOf(domain, { store, opaqueStore })) ?? []).filter(({ sources }) =>
    sources.some(({ behaviour }) => saved.streamId.startsWith(behaviour.streamPrefix)),
  );
  if (following.length === 0) return [];
  requireFeeds(location);
  const subscriptions = new Subscriptions({ store, opaqueStore, serializer, keyring, all: following });
  const behind: string[] = [];
  for (const one of following) {
    if (!(await subscriptions.reached(one, saved, { timeoutMs: 0, signal }))) behind.push(subscriptionId(one));
  }
  return behind;
}

/** Finds those that are named, or all. Throws `invalid_argument`. */
export function chooseSubscriptions(
  all: readonly Subscription[],
  names: readonly string[] | undefined,
): readonly Subscription[] {
  return names === undefined ? all : [...new Set(names.map((name) => findSubscription(all, name)))];
}

/** What a module's function gets, to make repositories with. */
type Tools = Pick<OpenStore, "store" | "opaqueStore">;

/** Gives the subscriptions that a module exports; undefined where it doesn't say. Throws `invalid_argument`. */
export async function subscriptionsOf(path: string, tools: Tools): Promise<readonly Subscription[] | undefined> {
  const module = await importModule(path);
  const given = module["subscriptions"] ?? Object.values(module).filter(isSubscription);
  const found = typeof given === "function" ? await called(path, given as (tools: Tools) => unknown, tools) : given;
  if (!Array.isArray(found) || !found.every(isSubscription)) {
    throw usageError(
      "--domain",
      `the subscriptions of ${path} are no array of subscriptions: export what the define functions return, or a function that gives it`,
    );
  }
  return found.length === 0 && module["subscriptions"] === undefined ? undefined : found;
}

/** Throws `invalid_argument` where a store in DynamoDB has no table of subscriptions. */
function requireFeeds(location: StoreLocation): void {
  if (location.kind === "dynamodb" && location.feedsTable === undefined) {
    throw usageError("--store", "the store names no table of subscriptions: add feeds=feeds to --store");
  }
}

async function called(path: string, make: (tools: Tools) => unknown, tools: Tools): Promise<unknown> {
  try {
    return await make(tools);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError("--domain", `the function subscriptions of ${path} fails (${reason}): mend it`, cause);
  }
}

function isSubscription(value: unknown): value is Subscription {
  const { kind, name, version, sources, react } = (value ?? {}) as Partial<Record<keyof Subscription, unknown>>;
  const isNamed = typeof kind === "string" && typeof name === "string" && typeof version === "number";
  return isNamed && Array.isArray(sources) && typeof react === "function";
}
