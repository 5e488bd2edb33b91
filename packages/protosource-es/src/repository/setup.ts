/** What a repository is made of. Each step is given it whole. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import { type Behaviour, behaviourOf } from "../aggregate/behaviour.js";
import { snapshotMeta } from "../aggregate/fingerprint.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { type Clock, systemClock } from "../clock.js";
import { invalid, ProtosourceError } from "../errors.js";
import { DEFAULT_COMPRESS_THRESHOLD } from "../gzip/gzip.js";
import { type Logger, steadyLogger } from "../logger.js";
import { binarySerializer } from "../serializer/binary.js";
import { checkCommandIdSeconds, checkRetries, requireClaims } from "./checks.js";
import type { RepositoryOptions, RepositoryStore } from "./repository-options.js";
import type { RecordFormat } from "./save.js";
import { checkPersonal } from "./sealing.js";
import { type WarmAggregates, warmAggregates } from "./warm-aggregates.js";

/** The parts of a repository. The types of its aggregate matter to who calls it, and to no step. */
export interface Setup {
  readonly definition: Aggregate<AggregateTypes>;
  readonly behaviour: Behaviour;
  readonly store: RepositoryStore;
  readonly options: RepositoryOptions;
  readonly clock: Clock;
  readonly format: RecordFormat;
  readonly logger: Logger;
  /** The aggregates that are kept between commands; undefined without a cache. */
  readonly warm: WarmAggregates<AggregateTypes> | undefined;
}

/**
 * Checks what a repository is made with, and fills in the defaults.
 *
 * Throws `invalid_argument` without an aggregate or a store, and for a cache where events expire; `not_configured`
 * when rows are to be written with the events or values are to be unique, and the store can't do that.
 */
export function setUp<T extends AggregateTypes>(
  aggregate: Aggregate<T>,
  store: RepositoryStore,
  options: RepositoryOptions,
): Setup {
  if (!aggregate?.schema)
    throw invalid("aggregate", "the aggregate is missing: give what the generated defineX returns");
  if (!store?.save) throw invalid("store", "the store is missing: give one, such as a MemoryStore");
  if (options.materialize === "transactional" && store.saveAll === undefined) {
    throw new ProtosourceError(
      "not_configured",
      "transactional rows need a store with saveAll, and this one has none: choose best-effort, or another store",
      { option: "materialize" },
    );
  }
  if (aggregate.rules.unique !== undefined) requireClaims(store, "unique");
  checkRetries(options.retries);
  checkCommandIdSeconds(options.commandIdSeconds);
  const behaviour = behaviourOf(aggregate.schema as DescMessage);
  if (behaviour.isPersonal) checkPersonal(behaviour, aggregate.rules.unique !== undefined, options);
  const definition = aggregate as object as Aggregate<AggregateTypes>;
  const { cache, clock = systemClock } = options;
  const logger = steadyLogger(options.logger ?? console);
  return {
    definition,
    behaviour,
    store,
    options,
    clock,
    logger,
    format: {
      serializer: options.serializer ?? binarySerializer,
      compressThreshold: options.compressThreshold ?? DEFAULT_COMPRESS_THRESHOLD,
      clock,
      snapshotMeta: snapshotMeta(definition),
      packs: store.packs ?? false,
      keyring: options.keyring,
    },
    warm: cache && warmAggregates(cache, { definition, store, clock, logger, keyring: options.keyring }),
  };
}

/** The qualified id of an aggregate: its stream's. */
export function streamIdOf({ behaviour }: Setup, id: string): string {
  return behaviour.streamPrefix + id;
}
