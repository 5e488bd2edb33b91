import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type Aggregate, derive, emptyAggregate, eventBehaviourOf } from "../aggregate/aggregate.js";
import { type Behaviour, behaviourOf, type CommandMessage, type EventMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes, CommandOf, EventOf, EventsFor, Outcome } from "../aggregate/types.js";
import type { CallOptions } from "../call-options.js";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { invalid, isProtosourceError, ProtosourceError } from "../errors.js";
import { DEFAULT_COMPRESS_THRESHOLD } from "../gzip/gzip.js";
import type { Logger } from "../logger.js";
import { materialize, rowWrites } from "../read-models/materialize.js";
import { binarySerializer } from "../serializer/binary.js";
import type { Serializer } from "../serializer/serializer.js";
import { claimTaken } from "../store/claims.js";
import { MAX_TTL_SECONDS, throwIfAborted } from "../store/save-checks.js";
import type {
  AggregateStore,
  Claim,
  ClaimingStore,
  LoadOptions,
  SnapshotTailStore,
  Store,
  TransactionalStore,
} from "../store/store.js";
import { claimChanges, commandScope, type UniqueValues, uniqueValues } from "./claims.js";
import { copyMessage } from "./copy-message.js";
import { commandBehaviourOf, decideWith } from "./decide.js";
import { type AppendOptions, append } from "./emit.js";
import { decodeRecord, type LoadedState, loadState } from "./load.js";
import {
  type ObservedOperation,
  type ObserveOperation,
  type OperationFacts,
  operationFacts,
} from "./observed-operation.js";
import { pause } from "./pause.js";
import { prepare } from "./prepare.js";
import { explainTooLarge, type RecordFormat, saveCommand, snapshotFits, toRecords } from "./save.js";
import type { ValidateFields } from "./validate.js";
import { type AggregateCache, type WarmAggregates, type WarmState, warmAggregates } from "./warm-aggregates.js";

/** How often a command is decided again by default when somebody else was first. */
const DEFAULT_RETRIES = 8;

/** How long the id of a command is remembered by default: a day. */
const DEFAULT_COMMAND_ID_SECONDS = 86_400;

/** What a repository needs of a store, and what it uses where the store has it. */
export type RepositoryStore = Store &
  Partial<SnapshotTailStore> &
  Partial<AggregateStore> &
  Partial<TransactionalStore> &
  Partial<ClaimingStore>;

export interface RepositoryOptions {
  /** Tells the time of events, and which records have expired. The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** Makes the id for a creation command that comes without one. Without it, such a command is refused. */
  readonly newId?: (() => string) | undefined;
  /** The same for all who read and write the streams. Binary by default. */
  readonly serializer?: Serializer | undefined;
  /** Data of this many bytes and more is gzipped; 300 by default, and 0 for never. A store that packs does it itself. */
  readonly compressThreshold?: number | undefined;
  /**
   * When the rows of the aggregate and its projections are written. `best-effort`, the default: after the events, and
   * a failure is logged. `transactional`: with the events, all or none; the store must be able to. `off`: never.
   */
  readonly materialize?: "best-effort" | "transactional" | "off" | undefined;
  /**
   * Keeps aggregates between commands, so that the next command on one spares the load: a `Map`, or what forgets, such
   * as the `LRUCache` of the package lru-cache. Repositories may share one. A stale entry costs a second try and does no
   * harm: the save finds it, and only a fresh state refuses or skips a command. That holds while streams only grow. So
   * a cache is `invalid_argument` where events expire by `event_ttl_seconds` or the store's `ttlSeconds`; nor may
   * anybody delete streams. None by default.
   */
  readonly cache?: AggregateCache | undefined;
  /**
   * How a command loads the aggregate at first. `eventual` costs half where the store charges for that; when its state
   * was stale, or a command is refused or skipped, it is loaded again, strongly. `strong` by default.
   */
  readonly consistency?: LoadOptions["consistency"];
  /** How often a command is decided again when somebody else changed the aggregate meanwhile; 8 by default. */
  readonly retries?: number | undefined;
  /**
   * Whether Go services read the same streams; true by default, save for a store that packs, which they can't read.
   * They need every snapshot, so one that is too large for the store fails its command. With false it is left out, with
   * a warning.
   */
  readonly sharedWithGo?: boolean | undefined;
  /**
   * Whether a command may come to more than the 100 records that one transaction holds; false by default, and such a
   * command is `too_large`, except for a store that packs. With true the store saves it in parts, and a failure between
   * them is `partial_save`. A `commandId`, unique values that change and transactional rows need one transaction always.
   */
  readonly splitSaves?: boolean | undefined;
  /** Seconds for which the `commandId` of a command is remembered; a day by default. */
  readonly commandIdSeconds?: number | undefined;
  /** Runs each call, and sees what comes of it, as `repositoryTelemetry` does. None by default. */
  readonly observe?: ObserveOperation | undefined;
  /** Checks the fields of each command, instead of @bufbuild/protovalidate. */
  readonly validate?: ValidateFields | undefined;
  /** Takes failures that no call fails for, such as that of a row. The console by default. */
  readonly logger?: Logger | undefined;
}

export interface ApplyOptions {
  /**
   * Who acts: it takes the place of the command's own actor. Give it wherever commands come from outside, or callers
   * choose whom they act as. Not even undefined may stand for it, so that a missing claim can't be taken for none.
   */
  readonly actor?: string;
  /** The aggregate: it fills in a command's empty id, and any other id is `invalid_argument`. */
  readonly id?: string;
  /** The version that the caller decided on, 0 for no aggregate: another one is `version_conflict`, without retries. */
  readonly expectedVersion?: bigint | undefined;
  /**
   * Names the command, such as after the message that brought it: whoever sends it again, from any process, has no
   * effect and is told what came of the first, even if that had nothing to do. Of one that was refused nothing is
   * known. Its ids are those of one kind of aggregate, and for another aggregate of it, `claim_taken`. Only the id is
   * kept: another command to the same aggregate under a used id is taken for the first, and has no effect. So never
   * choose an id that says less than the command, such as a session's. The store must keep claims.
   */
  readonly commandId?: string | undefined;
  /** How often to decide again; by default what the repository says. 0 for never. */
  readonly retries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came of a command, or of several. */
export interface Applied<A extends Message, E> {
  readonly id: string;
  /** The version of the aggregate afterwards. Snapshots take a version too. */
  readonly version: bigint;
  /** The new events, without snapshots. */
  readonly events: readonly E[];
  readonly aggregate: A;
  /** Whether there was nothing to do, so that nothing was stored. */
  readonly skipped: boolean;
  /**
   * Whether a command of the same `commandId` was carried out before. Then `id` and `version` are what came of that
   * one, there are no events, and `aggregate` is as it is now.
   */
  readonly repeated: boolean;
}

/** Appends to a stream, as {@link Repository.save} takes it. */
export interface AppendEventsOptions extends CallOptions {
  /** The version after which the events come: another one is `version_conflict`. */
  readonly expectedVersion?: bigint | undefined;
}

/** What each step of a call is given. */
interface Call {
  readonly signal: AbortSignal | undefined;
  /** What the observer is told. */
  readonly facts: OperationFacts;
}

/** Loads aggregates of one kind, and applies commands to them. */
export class Repository<T extends AggregateTypes> {
  readonly #definition: Aggregate<T>;
  readonly #behaviour: Behaviour;
  readonly #store: RepositoryStore;
  readonly #options: RepositoryOptions;
  readonly #clock: Clock;
  readonly #format: RecordFormat;
  readonly #logger: Logger;
  readonly #warm: WarmAggregates<T> | undefined;

  /**
   * Throws `invalid_argument` without an aggregate or a store, and for a cache where events expire; `not_configured`
   * when rows are to be written with the events or values are to be unique, and the store can't do that.
   */
  constructor(aggregate: Aggregate<T>, store: RepositoryStore, options: RepositoryOptions = {}) {
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
    this.#definition = aggregate;
    this.#behaviour = behaviourOf(aggregate.schema as DescMessage);
    this.#store = store;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? console;
    this.#format = {
      serializer: options.serializer ?? binarySerializer,
      compressThreshold: options.compressThreshold ?? DEFAULT_COMPRESS_THRESHOLD,
      clock: this.#clock,
      packs: store.packs ?? false,
    };
    const { cache } = options;
    this.#warm =
      cache && warmAggregates(cache, { definition: aggregate, store, clock: this.#clock, logger: this.#logger });
  }

  /**
   * Applies a command, or several to one aggregate: each is decided on the state that the one before leaves, and all
   * are saved at once. When somebody else changes the aggregate meanwhile, everything is decided again.
   *
   * Throws what a rule throws, unchanged. Throws `unhandled_command`, `already_created`, `not_created`,
   * `validation_failed`, `state_not_allowed`; `invalid_argument` for a wrong id or actor, and for a creation without
   * an id where there is no `newId`; `version_conflict` after the last retry; `claim_taken` for a unique value of
   * another aggregate; `too_large`; and what the store throws. `unavailable` tells whether the outcome is known.
   */
  async apply<C extends CommandOf<T>>(
    command: C | readonly C[],
    options: ApplyOptions = {},
  ): Promise<Applied<T["aggregate"], EventsFor<T, C>>> {
    return this.#observed("apply", options.signal, async (call) => {
      const given: readonly Message[] = Array.isArray(command) ? command : [command];
      const applied = await this.#apply<EventsFor<T, C>>(given, options, call);
      const { events, skipped, repeated } = applied;
      Object.assign(call.facts, { events: events.length, skipped, repeated });
      return applied;
    });
  }

  async #apply<E>(given: readonly Message[], options: ApplyOptions, call: Call): Promise<Applied<T["aggregate"], E>> {
    const commands = prepare(this.#definition, given, options, this.#options.newId);
    call.facts.commands = commands.map(({ $typeName }) => $typeName);
    const [{ id }] = commands;
    const { expectedVersion, commandId, signal } = options;
    checkRetries(options.retries);
    if (commandId !== undefined) checkCommandId(this.#store, commandId);
    const isNamed = options.id !== undefined || (given as readonly CommandMessage[]).some((one) => one.id !== "");
    const retries = expectedVersion === undefined ? (options.retries ?? this.#options.retries ?? DEFAULT_RETRIES) : 0;
    throwIfAborted(signal, "apply");
    const proven = await this.#applyUnproven(commands, id, { expectedVersion, commandId, call });
    if (proven !== undefined) return appliedOf(id, proven);
    let conflict: ProtosourceError | undefined;
    for (let attempt = 0; ; attempt++) {
      throwIfAborted(signal, "apply");
      const loaded = await this.#load(id, call);
      if (commandId !== undefined) {
        // Only after the load: before it, another process could carry out the command between the two.
        const repeated = await this.#findRepeated(commandId, isNamed ? id : undefined, call);
        if (repeated !== undefined) return repeated;
      }
      if (conflict !== undefined && attempt > retries) throw conflict;
      checkVersion(id, loaded, expectedVersion);
      const before = uniqueValues(this.#definition, loaded.aggregate);
      const outcome = await this.#decide(commands, id, loaded, call);
      conflict =
        outcome.skipped && commandId === undefined
          ? undefined
          : await this.#commit(id, outcome, { before, commandId, call });
      if (conflict === undefined) {
        if (!outcome.skipped) this.#warm?.keep(this.#streamId(id), outcome.aggregate, loaded.firstExpiry);
        return appliedOf(id, outcome);
      }
      if (attempt >= retries && commandId === undefined) throw conflict;
      await pause(attempt, signal);
    }
  }

  /**
   * Loads an aggregate. Throws `not_found`, whose reason tells an aggregate that never was from one that has expired.
   */
  async load(id: string, options: CallOptions = {}): Promise<T["aggregate"]> {
    return this.#observed("load", options.signal, async (call) => {
      checkId(id);
      const { aggregate, firstExpiry, absence } = await this.#load(id, call);
      if (aggregate !== undefined) {
        this.#warm?.keep(this.#streamId(id), aggregate, firstExpiry);
        return aggregate;
      }
      const ending = absence === "expired" ? "any more: it has expired" : "in the store: create it first";
      throw new ProtosourceError("not_found", `${this.#definition.schema.typeName} ${id} isn't ${ending}`, {
        aggregateId: id,
        reason: absence,
      });
    });
  }

  /** Reads the events of an aggregate, oldest first, without snapshots and what has expired. None when it is unknown. */
  async history(id: string, options: CallOptions = {}): Promise<readonly EventOf<T>[]> {
    return this.#observed("history", options.signal, async ({ signal }) => {
      checkId(id);
      const streamId = this.#streamId(id);
      const { records } = await this.#store.load(streamId, { signal });
      const events: readonly Message[] = records
        .map((record) => decodeRecord(this.#behaviour, this.#format.serializer, streamId, record))
        .filter(({ $typeName }) => this.#behaviour.events.has($typeName));
      return events as readonly EventOf<T>[];
    });
  }

  /**
   * Appends events that were made elsewhere, as in an import. No rule is asked. An empty id, a version of 0 and a time
   * of 0 are filled in, and snapshots are added where they are due. Many events are saved in several transactions;
   * after `partial_save`, go on with those that `history` lacks. Unique values that change need one transaction, of 100
   * records and values: give fewer events at once.
   *
   * Throws `version_conflict` for versions that don't follow the stream's end, `invalid_argument` for another id,
   * `unhandled_event` for an event of another aggregate, and what the store throws.
   */
  async save(
    id: string,
    events: readonly EventOf<T>[],
    options: AppendEventsOptions = {},
  ): Promise<{ readonly version: bigint }> {
    return this.#observed("save", options.signal, async (call) => {
      checkId(id);
      const { expectedVersion } = options;
      const loaded = await this.#load(id, call);
      checkVersion(id, loaded, expectedVersion);
      const before = uniqueValues(this.#definition, loaded.aggregate);
      const aggregate = loaded.aggregate ?? emptyAggregate(this.#definition);
      const copies = (events as readonly Message[]).map((event) => this.#copyEvent(id, event));
      const { stored } = append(this.#definition, aggregate, copies, {
        version: loaded.version,
        at: () => this.#clock.now(),
        accepts: this.#accepts(id),
      });
      if (stored.length === 0) return { version: loaded.version };
      derive(this.#definition, aggregate);
      const records = toRecords(this.#behaviour, stored, this.#format);
      const claims = this.#claims(id, before, aggregate);
      const { signal } = call;
      await saveCommand(this.#store, this.#streamId(id), records, {
        rows: undefined,
        claims,
        splitSaves: true,
        signal,
      });
      call.facts.events = copies.length;
      if (this.#options.materialize !== "off") await this.#writeRows(aggregate);
      return { version: aggregate.version };
    });
  }

  /** Runs a call within the observer, who sees its facts. */
  #observed<R>(
    operation: ObservedOperation["operation"],
    signal: AbortSignal | undefined,
    run: (call: Call) => Promise<R>,
  ): Promise<R> {
    const facts = operationFacts(operation, this.#definition.schema.typeName);
    const { observe } = this.#options;
    return observe === undefined ? run({ signal, facts }) : observe(facts, () => run({ signal, facts }));
  }

  async #load(id: string, { signal, facts }: Call, consistency?: LoadOptions["consistency"]): Promise<LoadedState<T>> {
    const { serializer, clock } = this.#format;
    const source = { store: this.#store, serializer, clock };
    const loaded = await loadState(this.#definition, source, id, { consistency, signal });
    facts.replayed = loaded.replayed;
    return loaded;
  }

  /**
   * Tries commands on a state that may be stale: one that is kept, or one that was read eventually consistent. A save
   * proves that it isn't, for it would conflict. Whatever else comes of it proves nothing, and is for a state that is
   * read anew to say: then this gives undefined.
   */
  async #applyUnproven(
    commands: readonly CommandMessage[],
    id: string,
    options: {
      readonly expectedVersion: bigint | undefined;
      readonly commandId: string | undefined;
      readonly call: Call;
    },
  ): Promise<Outcome<T> | undefined> {
    const { expectedVersion, commandId, call } = options;
    const streamId = this.#streamId(id);
    const { consistency } = this.#options;
    const warm = this.#warm?.find(streamId);
    if (this.#warm !== undefined) call.facts.cache = warm === undefined ? "miss" : "hit";
    const loaded = warm ?? (consistency === "eventual" ? await this.#load(id, call, consistency) : undefined);
    if (loaded === undefined || !isAtVersion(loaded, expectedVersion)) return undefined;
    const before = uniqueValues(this.#definition, loaded.aggregate);
    const outcome = await this.#decide(commands, id, loaded, call).catch(() => undefined);
    if (outcome === undefined || outcome.skipped) return undefined;
    try {
      const conflict = await this.#commit(id, outcome, { before, commandId, call });
      if (conflict === undefined) {
        this.#warm?.keep(streamId, outcome.aggregate, loaded.firstExpiry);
        return outcome;
      }
    } catch (error) {
      const isRefusal = isProtosourceError(error, "too_large") || isProtosourceError(error, "claim_taken");
      if (!isRefusal) throw error;
    }
    this.#warm?.drop(streamId);
    return undefined;
  }

  async #decide(
    commands: readonly CommandMessage[],
    id: string,
    loaded: WarmState<T>,
    { signal, facts }: Call,
  ): Promise<Outcome<T>> {
    facts.decisions++;
    const events: EventOf<T>[] = [];
    const stored: EventMessage[] = [];
    let { aggregate = emptyAggregate(this.#definition), version } = loaded;
    for (const given of commands) {
      // A copy for each try: what a rule changes against the rule must not be there when it is asked again.
      const command = copyMessage(commandBehaviourOf(this.#definition, given).schema, given);
      const now = this.#clock.now();
      let first = true;
      const at = (): bigint => {
        const time = first ? now : this.#clock.now();
        first = false;
        return time;
      };
      const { validate } = this.#options;
      const options = { version, at, accepts: this.#accepts(id), validate };
      const outcome = await decideWith(this.#definition, aggregate, command, { now, signal }, options);
      ({ aggregate } = outcome);
      if (outcome.skipped) continue;
      ({ version } = aggregate);
      events.push(...outcome.events);
      stored.push(...(outcome.stored as readonly EventMessage[]));
    }
    return { events, stored, aggregate, skipped: stored.length === 0 };
  }

  /**
   * Finds what came of an earlier command of an id. Throws `claim_taken` when that was of another aggregate than `id`:
   * a command that is meant for this one must not get lost.
   */
  async #findRepeated(
    commandId: string,
    id: string | undefined,
    call: Call,
  ): Promise<Applied<T["aggregate"], never> | undefined> {
    const scope = commandScope(this.#behaviour.schema.typeName);
    const claim = await this.#store.findClaim?.(scope, commandId, { signal: call.signal });
    if (claim === undefined) return undefined;
    if (id !== undefined && claim.owner !== this.#streamId(id)) throw claimTaken(scope, claim.owner);
    const ownId = claim.owner.slice(this.#behaviour.streamPrefix.length);
    const { aggregate = emptyAggregate(this.#definition) } = await this.#load(ownId, call);
    return { id: ownId, version: claim.version, events: [], aggregate, skipped: true, repeated: true };
  }

  /** Gives what a change of an aggregate takes and frees. */
  #claims(id: string, before: UniqueValues, aggregate: T["aggregate"]): Claim[] {
    const { ttlSeconds } = this.#behaviour;
    const ttl = ttlSeconds > 0n ? epochSeconds(this.#clock) + ttlSeconds : 0n;
    return claimChanges(before, uniqueValues(this.#definition, aggregate), this.#streamId(id), ttl);
  }

  /** Gives the claim by which a command is known again. */
  #commandClaim(id: string, commandId: string, version: bigint): Claim {
    const { commandIdSeconds = DEFAULT_COMMAND_ID_SECONDS } = this.#options;
    const scope = commandScope(this.#behaviour.schema.typeName);
    const ttl = epochSeconds(this.#clock) + BigInt(commandIdSeconds);
    return { scope, value: commandId, owner: this.#streamId(id), version, ttl, once: true };
  }

  /** Saves what a decision came to. A conflict is an outcome here, which `apply` decides about. */
  async #commit(
    id: string,
    { stored, aggregate, skipped }: Outcome<T>,
    options: {
      readonly before: UniqueValues;
      readonly commandId: string | undefined;
      readonly call: Call;
    },
  ): Promise<ProtosourceError | undefined> {
    const { before, commandId } = options;
    const { signal, facts } = options.call;
    const claims = skipped ? [] : this.#claims(id, before, aggregate);
    if (commandId !== undefined) claims.push(this.#commandClaim(id, commandId, aggregate.version));
    const streamId = this.#streamId(id);
    const events = stored as readonly EventMessage[];
    const records = toRecords(this.#behaviour, events, this.#format);
    const { materialize: mode = "best-effort", splitSaves = false } = this.#options;
    const rows = mode === "transactional" && !skipped ? rowWrites(this.#behaviour, aggregate, this.#format) : undefined;
    try {
      await saveCommand(this.#store, streamId, records, { rows, claims, splitSaves, signal });
    } catch (error) {
      const isRepeated =
        isProtosourceError(error, "claim_taken") &&
        error.details.scope === commandScope(this.#behaviour.schema.typeName);
      if (!isRepeated && !isProtosourceError(error, "version_conflict")) {
        throw explainTooLarge(error, this.#behaviour, streamId, events, records);
      }
      facts.conflicts++;
      return error;
    }
    if (mode === "best-effort" && !skipped) await this.#writeRows(aggregate);
    return undefined;
  }

  async #writeRows(aggregate: T["aggregate"]): Promise<void> {
    if (keepsRows(this.#store)) await materialize(this.#behaviour, aggregate, this.#store, this.#logger);
  }

  /** By default a snapshot is for the store to accept: a stream without one that Go expects is wrong to Go. */
  #accepts(id: string): AppendOptions["accepts"] {
    if (this.#options.sharedWithGo ?? !this.#format.packs) return () => true;
    return (schema, snapshot) => snapshotFits(schema, snapshot, this.#streamId(id), this.#format, this.#logger);
  }

  #copyEvent(id: string, event: Message): EventMessage {
    const copy = copyMessage(eventBehaviourOf(this.#definition, event).schema, event as EventMessage);
    if (copy.id !== "" && copy.id !== id) throw invalid("events", `an event is of ${copy.id}, and not of ${id}`);
    copy.id = id;
    if (copy.at === 0n) copy.at = this.#clock.now();
    return copy;
  }

  #streamId(id: string): string {
    return this.#behaviour.streamPrefix + id;
  }
}

function keepsRows(store: RepositoryStore): store is RepositoryStore & AggregateStore {
  return store.saveAggregate !== undefined;
}

function checkVersion<T extends AggregateTypes>(
  aggregateId: string,
  loaded: LoadedState<T>,
  expected: bigint | undefined,
): void {
  if (isAtVersion(loaded, expected)) return;
  if (typeof expected !== "bigint") {
    throw invalid("expectedVersion", "expectedVersion is no bigint: give one, such as 3n");
  }
  const version = loaded.aggregate?.version ?? 0n;
  throw new ProtosourceError(
    "version_conflict",
    `${aggregateId} is at version ${version}, and not at ${expected}: load it and decide again`,
    { aggregateId, version },
  );
}

function isAtVersion<T extends AggregateTypes>({ aggregate }: WarmState<T>, expected: bigint | undefined): boolean {
  return expected === undefined || expected === (aggregate?.version ?? 0n);
}

function appliedOf<T extends AggregateTypes, E>(id: string, outcome: Outcome<T>): Applied<T["aggregate"], E> {
  const { aggregate, skipped } = outcome;
  return {
    id,
    version: aggregate.version,
    events: outcome.events as readonly E[],
    aggregate,
    skipped,
    repeated: false,
  };
}

function checkId(id: string): void {
  if (typeof id !== "string" || id === "") throw invalid("id", "the id is empty: say which aggregate");
}

function checkCommandId(store: RepositoryStore, commandId: string): void {
  if (typeof commandId !== "string" || commandId === "") {
    throw invalid("commandId", "the commandId is empty: give what names the command, or none");
  }
  requireClaims(store, "commandId");
}

function checkCommandIdSeconds(seconds: number | undefined): void {
  if (seconds !== undefined && !(Number.isSafeInteger(seconds) && seconds > 0 && seconds <= MAX_TTL_SECONDS)) {
    throw invalid("commandIdSeconds", `an id can't be remembered for ${seconds} seconds: give a whole number above 0`);
  }
}

function requireClaims(store: RepositoryStore, option: string): void {
  if (store.saveAll !== undefined && store.findClaim !== undefined) return;
  throw new ProtosourceError(
    "not_configured",
    `${option} needs a store with saveAll and findClaim: give another store`,
    {
      option,
    },
  );
}

function checkRetries(retries: number | undefined): void {
  if (retries !== undefined && !(Number.isSafeInteger(retries) && retries >= 0)) {
    throw invalid("retries", `${retries} retries aren't possible: give 0 or a whole number above`);
  }
}
