/** What the routes of the API work with. */
import type { EventStore } from "protosource-es";
import type { OpaqueStore, ScannableOpaqueStore } from "protosource-es/opaquedata";
import type { Subscription, SubscriptionStore } from "protosource-es/subscriptions";
import type { Schemas } from "../schemas.js";
import type { About, Cost } from "./contract.js";
import type { TableFinding } from "./health-contract.js";
import type { PersonalView } from "./personal-view.js";
import type { StateHistory } from "./state-history.js";

/** What of a store is used: nothing that writes. */
export type ReadableStore = Pick<EventStore, "scan" | "load" | "loadTail" | "events">;

/** Where the positions of subscriptions are. Nothing is saved to it. */
export type FollowedStore = SubscriptionStore;

/** Subscriptions, and the store that they follow. */
export interface Followed {
  readonly all: readonly Subscription[];
  readonly store: FollowedStore;
}

/** What the page is to show. */
export interface StudioOptions {
  readonly store: ReadableStore;
  /** The rows; there is no screen of them without. */
  readonly opaqueStore?: (Pick<OpaqueStore, "get" | "query"> & ScannableOpaqueStore) | undefined;
  readonly schemas: Schemas;
  /** What the page calls the store. In memory by default. */
  readonly name?: About["store"] | undefined;
  /** The options of a command line that say what is looked at, such as `--store sqlite:orders.db`; no lines are given without. */
  readonly words?: readonly string[] | undefined;
  /** Whether the rules of fields (`buf.validate`) are checked where a command is decided, so that answers say it. They are. */
  readonly checksFields?: boolean | undefined;
  /** The subscriptions of the domain; there is no screen of them without. */
  readonly followed?: Followed | undefined;
  /** Tells about how many records there are, without a look at them; undefined where nobody knows. */
  readonly estimate?: (() => Promise<{ readonly records: number } | undefined>) | undefined;
  /** Compares the tables with what they should be, where there are some. */
  readonly checkTables?: ((signal: AbortSignal) => Promise<readonly TableFinding[]>) | undefined;
  /** Throws `unavailable` where what is read is no longer what the store's name leads to. */
  readonly checkIsSame?: (() => void) | undefined;
  /** Tells what work cost, where the store charges for requests. */
  readonly meter?: Meter | undefined;
}

/** Tells what work costs. */
export interface Meter {
  measure<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly cost: Cost }>;
}

/** What is known while the API answers a request. */
export interface Studio extends StudioOptions {
  /** How the answer shows what is personal. */
  readonly personal: PersonalView;
  /** The histories of the streams that were looked at last. */
  readonly histories: Map<string, StateHistory>;
}

/** Answers the requests of one path with what becomes JSON. Throws what the caller is told. */
export type Route = (studio: Studio, query: URLSearchParams, signal: AbortSignal) => Promise<object>;
