/** What the API answers about subscriptions. As in `contract.ts`, versions and times are strings. */
import type { Cost } from "./contract.js";

/** How all subscriptions stand at one time. */
export interface SubscriptionsNow {
  readonly subscriptions: readonly SubscriptionNow[];
  /** When they were looked at, by the clock of the server. */
  readonly at: string;
  readonly cost?: Cost;
}

export interface SubscriptionNow {
  /** Its name and its version, such as `customer-orders@2`. */
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly version: number;
  /** The version that is served, 0 for none; absent for other kinds than read models. */
  readonly served?: number;
  readonly parked: number;
  /** When it had seen all that was stored; absent for never. */
  readonly caughtUpAt?: string;
  /** The events that wait for it; absent where the store doesn't tell without a look at all streams. */
  readonly lag?: Lag;
}

export interface Lag {
  readonly waiting: number;
  /** Whether more may wait than was looked at. */
  readonly more: boolean;
  /** When the first of them happened. */
  readonly since?: string;
}

/** Some of the streams that stand still for one subscription. */
export interface ParkedPage {
  readonly parked: readonly ParkedSummary[];
  readonly cursor?: string;
  readonly cost?: Cost;
}

export interface ParkedSummary {
  readonly id: string;
  /** The version that couldn't be handled. */
  readonly version: string;
  readonly since: string;
  readonly tries: number;
  readonly error: string;
}

/** How far the subscriptions have come in one stream, of those that follow it. */
export interface StreamPositions {
  readonly id: string;
  readonly positions: readonly PositionInfo[];
  readonly cost?: Cost;
}

export interface PositionInfo {
  readonly subscription: string;
  /** The last version that was handled; 0 before the first. */
  readonly version: string;
  readonly parked?: Omit<ParkedSummary, "id">;
  /** What lies behind the position, as far as it was looked at. */
  readonly next: readonly NextEvent[];
  /** Whether more lies behind these. */
  readonly more: boolean;
  /** What keeps the rest from being read. */
  readonly problem?: string;
  /** The command lines that have a parked one go on, with the event or behind it; absent where none reaches the store. */
  readonly lines?: { readonly release: string; readonly skip: string };
}

export interface NextEvent {
  readonly version: string;
  /** The short name of its type, where it can be read. */
  readonly type?: string;
  /** Whether the subscription does something for it. */
  readonly handled: boolean;
}
