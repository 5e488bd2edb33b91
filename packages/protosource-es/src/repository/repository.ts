/** The repository: loads aggregates of one kind, and applies commands to them. Each step is a file of this folder. */
import type { Message } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import type { CommandMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes, CommandOf, EventOf, EventsFor } from "../aggregate/types.js";
import type { CallOptions } from "../call-options.js";
import { ProtosourceError } from "../errors.js";
import { appendEvents } from "./append-events.js";
import { applyTasks } from "./apply-tasks.js";
import { checkCommandId, checkId, checkRetries } from "./checks.js";
import { decodeRecord, readState } from "./load.js";
import { observed } from "./observed-operation.js";
import { prepare } from "./prepare.js";
import type {
  AppendEventsOptions,
  Applied,
  ApplyOptions,
  RepositoryOptions,
  RepositoryStore,
} from "./repository-options.js";
import { type Setup, setUp, streamIdOf } from "./setup.js";

/** Loads aggregates of one kind, and applies commands to them. */
export class Repository<T extends AggregateTypes> {
  readonly #setup: Setup;

  /**
   * Throws `invalid_argument` without an aggregate or a store, and for a cache where events expire; `not_configured`
   * when rows are to be written with the events or values are to be unique, and the store can't do that.
   */
  constructor(aggregate: Aggregate<T>, store: RepositoryStore, options: RepositoryOptions = {}) {
    this.#setup = setUp(aggregate, store, options);
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
    const setup = this.#setup;
    const { expectedVersion, commandId, signal } = options;
    return observed(setup, "apply", signal, async (call) => {
      const given: readonly Message[] = Array.isArray(command) ? command : [command];
      const commands = prepare(setup.definition, given, options, setup.options.newId);
      call.facts.commands = commands.map(({ $typeName }) => $typeName);
      checkRetries(options.retries);
      if (commandId !== undefined) checkCommandId(setup.store, commandId);
      const isNamed = options.id !== undefined || (given as readonly CommandMessage[]).some(({ id }) => id !== "");
      const retries = expectedVersion === undefined ? (options.retries ?? setup.options.retries) : 0;
      const [{ id }] = commands;
      const [applied] = await applyTasks(
        [{ setup, id, commands, expectedVersion }],
        { commandId, isNamed, retries },
        call,
      );
      return applied as Applied<T["aggregate"], EventsFor<T, C>>;
    });
  }

  /**
   * Loads an aggregate. Throws `not_found`, whose reason tells an aggregate that never was from one that has expired.
   */
  async load(id: string, options: CallOptions = {}): Promise<T["aggregate"]> {
    const setup = this.#setup;
    return observed(setup, "load", options.signal, async (call) => {
      checkId(id);
      const { aggregate, firstExpiry, absence } = await readState(setup, id, call);
      if (aggregate !== undefined) {
        setup.warm?.keep(streamIdOf(setup, id), aggregate, firstExpiry);
        return aggregate;
      }
      const ending = absence === "expired" ? "any more: it has expired" : "in the store: create it first";
      throw new ProtosourceError("not_found", `${setup.definition.schema.typeName} ${id} isn't ${ending}`, {
        aggregateId: id,
        reason: absence,
      });
    });
  }

  /** Reads the events of an aggregate, oldest first, without snapshots and what has expired. None when it is unknown. */
  async history(id: string, options: CallOptions = {}): Promise<readonly EventOf<T>[]> {
    const { behaviour, format, store } = this.#setup;
    return observed(this.#setup, "history", options.signal, async ({ signal }) => {
      checkId(id);
      const streamId = streamIdOf(this.#setup, id);
      const { records } = await store.load(streamId, { signal });
      const events: readonly Message[] = records
        .map((record) => decodeRecord(behaviour, format.serializer, streamId, record))
        .filter(({ $typeName }) => behaviour.events.has($typeName));
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
    return observed(this.#setup, "save", options.signal, async (call) => {
      checkId(id);
      const version = await appendEvents(this.#setup, id, events as readonly Message[], options.expectedVersion, call);
      return { version };
    });
  }
}
