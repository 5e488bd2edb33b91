import type { Fate, ProxiedRequest } from "./fault-proxy.js";
import { randomNumbers, shuffled } from "./random-numbers.js";

/** What {@link randomFaults} injects. */
export type FaultKind =
  | "lost answer"
  | "500 after the write"
  | "500 before it"
  | "reset connection"
  | "no answer"
  | "slow answer"
  | "late request"
  | "throttling"
  | "throttled transaction"
  | "transaction conflict"
  | "transaction in progress"
  | "short page"
  | "empty page"
  | "torn transaction"
  | "stale read"
  | "expired iterator"
  | "trimmed records"
  | "lost records"
  | "doubled records"
  | "shuffled records";

const WRITES = ["PutItem", "DeleteItem", "TransactWriteItems"];
const PAGES = ["Query", "Scan"];

const EXCEPTION = "com.amazonaws.dynamodb.v20120810#";

interface Fault {
  /** The operations that it can happen to. All by default. */
  readonly to?: readonly string[];
  readonly fate: (random: () => number, request: ProxiedRequest, options: { readonly lateMs: number }) => Fate;
}

const FAULTS: Readonly<Record<FaultKind, Fault>> = {
  "lost answer": { to: WRITES, fate: () => "lose answer" },
  "500 after the write": { to: WRITES, fate: () => "fail after" },
  "500 before it": {
    fate: () => ({ status: 500, body: { __type: `${EXCEPTION}InternalServerError`, message: "injected" } }),
  },
  "reset connection": { fate: () => "reset" },
  "no answer": { fate: () => "hang" },
  "slow answer": { fate: (random) => ({ delayMs: 5 + random() * 45 }) },
  "late request": { to: WRITES, fate: (_random, _request, { lateMs }) => ({ delayMs: lateMs }) },
  throttling: {
    fate: () => ({
      status: 400,
      body: {
        __type: `${EXCEPTION}ProvisionedThroughputExceededException`,
        message: "injected",
        ThrottlingReasons: [{ reason: "TableWriteKeyRangeThroughputExceeded", resource: "injected" }],
      },
    }),
  },
  "throttled transaction": {
    to: ["TransactWriteItems"],
    fate: (random, request) => cancellation(random, request, "ThrottlingError"),
  },
  "transaction conflict": {
    to: ["PutItem", "TransactWriteItems"],
    fate: (random, request) =>
      request.operation === "TransactWriteItems"
        ? cancellation(random, request, "TransactionConflict")
        : { status: 400, body: { __type: `${EXCEPTION}TransactionConflictException`, message: "injected" } },
  },
  "transaction in progress": {
    to: ["TransactWriteItems"],
    fate: () => ({
      status: 400,
      body: { __type: `${EXCEPTION}TransactionInProgressException`, Message: "injected" },
    }),
  },
  "short page": { to: PAGES, fate: (random) => ({ pageItems: 1 + Math.floor(random() * 3) }) },
  "empty page": { to: PAGES, fate: () => ({ pageItems: 0 }) },
  "torn transaction": {
    to: ["TransactWriteItems"],
    fate: (random) => {
      const [tornMs, half, isFirstHidden] = [10 + random() * 40, Math.floor(random() * 2 ** 30), random() < 0.5];
      return { tornMs, hides: (index) => (index === 0 ? isFirstHidden : ((half >> (index % 30)) & 1) === 1) };
    },
  },
  "stale read": { to: ["Query", "Scan", "GetItem"], fate: () => "stale" },
  "expired iterator": { to: ["GetRecords"], fate: () => refused("ExpiredIteratorException") },
  "trimmed records": { to: ["GetRecords", "GetShardIterator"], fate: () => refused("TrimmedDataAccessException") },
  "lost records": {
    to: ["GetRecords"],
    fate: (random) => rewritten((records) => records.filter(() => random() < 0.5)),
  },
  "doubled records": { to: ["GetRecords"], fate: () => rewritten((records) => [...records, ...records]) },
  "shuffled records": { to: ["GetRecords"], fate: (random) => rewritten((records) => shuffled(records, random)) },
};

/** The names of all faults. */
export const FAULT_KINDS: readonly FaultKind[] = Object.keys(FAULTS) as FaultKind[];

export interface RandomFaultsOptions {
  /** Decides which requests suffer which faults: with the same seed, the same request of each operation does again. */
  readonly seed: number;
  /** The share of the requests that suffer a fault, from 0 to 1. 0.1 by default. */
  readonly rate?: number | undefined;
  /** The faults to choose from; one that occurs twice comes twice as often. All by default. */
  readonly kinds?: readonly FaultKind[] | undefined;
  /** Milliseconds until the engine sees a late request: more than the client waits. 6,000 by default. */
  readonly lateMs?: number | undefined;
}

/** Faults that are chosen at random. */
export interface RandomFaults {
  /** Chooses the fate of a request: what {@link FaultProxy.decide} takes. */
  readonly fateOf: (request: ProxiedRequest) => Fate;
  /** How often each fault was injected. */
  readonly counts: ReadonlyMap<FaultKind, number>;
}

/**
 * Makes faults from a seed.
 *
 * The fate of a request follows from the seed, its operation and its number among the requests of that operation, so
 * that a failure can be replayed as far as requests arrive in the same order.
 */
export function randomFaults(options: RandomFaultsOptions): RandomFaults {
  const { seed, rate = 0.1, kinds = FAULT_KINDS, lateMs = 6_000 } = options;
  const counts = new Map<FaultKind, number>();
  return {
    counts,
    fateOf(request) {
      const random = randomNumbers(`${seed} ${request.operation} ${request.before}`);
      if (random() >= rate) return "pass";
      const possible = kinds.filter((kind) => FAULTS[kind].to?.includes(request.operation) ?? true);
      const kind = possible[Math.floor(random() * possible.length)];
      if (kind === undefined) return "pass";
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      return FAULTS[kind].fate(random, request, { lateMs });
    },
  };
}

function refused(name: string): Fate {
  return { status: 400, body: { __type: `${EXCEPTION}${name}`, message: "injected" } };
}

/** Changes the records that a stream answers with. */
function rewritten(change: (records: readonly unknown[]) => readonly unknown[]): Fate {
  return {
    rewrite: (body) => (Array.isArray(body["Records"]) ? { ...body, Records: change(body["Records"]) } : body),
  };
}

function cancellation(random: () => number, { body }: ProxiedRequest, code: string): Fate {
  const { length } = (body["TransactItems"] ?? []) as readonly unknown[];
  const refused = Math.floor(random() * length);
  return {
    status: 400,
    body: {
      __type: `${EXCEPTION}TransactionCanceledException`,
      Message: "injected",
      CancellationReasons: Array.from({ length }, (_, index) => ({ Code: index === refused ? code : "None" })),
    },
  };
}
