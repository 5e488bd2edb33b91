/** Subscriptions whose effect is an order of all events: each gets a position that never changes. */
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import { behaviourOf } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { type LedgerEntry, LedgerEntrySchema } from "../gen/protosource_es/ledger/v1/ledger_v1_pb.js";
import { emptyRow } from "../opaquedata/opaque-data.js";
import type { RowWrite } from "../store/store.js";
import { ledgerEntries, ledgerKey, requireRows } from "./ledger-entries.js";
import { checkSources } from "./on.js";
import {
  checkName,
  type EventRun,
  type ReactTools,
  type SharedEffect,
  type Subscription,
  type SubscriptionSource,
  subscriptionId,
} from "./subscription.js";

export interface LedgerOptions<L extends readonly AggregateTypes[]> {
  /** Names its entries and its positions in the streams: letters, digits, "_", "." and "-". */
  readonly name: string;
  /** A higher version begins anew, with an order of its own. 1 by default. */
  readonly version?: number | undefined;
  /** The aggregates whose events it orders. Snapshots and retired events that are ignored have no position. */
  readonly of: { readonly [I in keyof L]: Aggregate<L[I]> };
}

/** A subscription that makes a ledger, which `ledgerFeed` reads. */
export interface Ledger extends Subscription {
  readonly kind: "ledger";
}

/**
 * Defines an order of all events of some aggregates, for stores that have none, as DynamoDB. Each event gets a position,
 * counted from 1 without a gap, once and for good; those of one stream are in their order, and none is left out. Between
 * streams it is the order in which the workers come to them: an event that caused another may come behind it, and what
 * was stored before the ledger began comes in the order of the catch-up.
 *
 * What arrives together is one entry: on DynamoDB 2 write units per KB of it and 2 for each stream in it, and 1 read
 * unit. All entries are in one partition and each begins where the last one ended, so that workers wait for each other:
 * one worker, or few of them, do best.
 *
 * Throws `invalid_argument` for a name, a version or aggregates that can't be.
 */
export function defineLedger<L extends readonly AggregateTypes[]>(options: LedgerOptions<L>): Ledger {
  const { name, version = 1 } = options;
  checkName(name, version);
  const sources = (options.of as readonly object[] as readonly Aggregate<AggregateTypes>[]).map(sourceOfAll);
  checkSources(name, sources);
  const subscription = subscriptionId({ name, version });
  const append = (runs: readonly EventRun[], tools: ReactTools) => appendRuns(subscription, runs, tools);
  return {
    kind: "ledger",
    name,
    version,
    sources,
    tries: 3,
    async react(run, tools) {
      const { reached, rows } = await append([run], tools);
      return { ...reached[0], rows };
    },
    reactTogether: append,
  };
}

function sourceOfAll(definition: Aggregate<AggregateTypes>): SubscriptionSource {
  const behaviour = behaviourOf(definition.schema as DescMessage);
  return { definition, behaviour, handles: new Set(behaviour.events.keys()), handlesRemoval: false };
}

/** Makes the entry behind the last one. A worker that was faster has one under its key, which is a `row_conflict`. */
async function appendRuns(subscription: string, runs: readonly EventRun[], tools: ReactTools): Promise<SharedEffect> {
  const spans = runs
    .filter(({ events }) => events.length > 0)
    .map(({ streamId, events }) => ({
      stream: streamId,
      versions: events.map(({ version }) => version),
      times: events.map(({ at }) => at),
    }));
  const reached = runs.map(({ to, memo }) => ({ to, memo }));
  if (spans.length === 0) return { reached };
  const [last] = await ledgerEntries(requireRows(tools.opaqueStore, subscription), subscription, {
    reverse: true,
    limit: 1,
    signal: tools.signal,
  });
  const entry = create(LedgerEntrySchema, { spans });
  return { reached, rows: [rowOf(subscription, last === undefined ? 1n : last.end + 1n, entry)] };
}

function rowOf(subscription: string, first: bigint, entry: LedgerEntry): RowWrite {
  const body = toBinary(LedgerEntrySchema, entry);
  return { row: { ...emptyRow(), ...ledgerKey(subscription, first), version: 1n, body }, was: 0n };
}
