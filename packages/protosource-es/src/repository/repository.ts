/** The repository: loads aggregates of one kind, and applies commands to them. Each step is a file of this folder. */
import type { Message } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import type { AggregateTypes, CommandOf, EventOf, EventsFor } from "../aggregate/types.js";
import type { CallOptions } from "../call-options.js";
import { invalid } from "../errors.js";
import { appendEvents } from "./append-events.js";
import { applyTasks, planTasks } from "./apply-tasks.js";
import type { Task } from "./change.js";
import { checkId } from "./checks.js";
import type { AnyCommandFor, AppliedAll } from "./command-for.js";
import type { Plan } from "./commit.js";
import { deleteAggregate } from "./delete-aggregate.js";
import { readHistory } from "./history.js";
import { findsState } from "./load.js";
import {
  type LoadAggregateOptions,
  type Loaded,
  type LoadManyOptions,
  loadAt,
  loadMany,
  notFound,
} from "./load-aggregates.js";
import { observed } from "./observed-operation.js";
import { checkTogether, prepareTask } from "./prepare.js";
import type {
  AppendEventsOptions,
  Applied,
  ApplyAllOptions,
  ApplyOptions,
  DeleteOptions,
  HistoryOptions,
  PlanOptions,
  RepositoryOptions,
  RepositoryStore,
} from "./repository-options.js";
import { type Setup, setUp } from "./setup.js";

/** Loads aggregates of one kind, and applies commands to them. */
export class Repository<T extends AggregateTypes> {
  /** What it loads and applies commands to. */
  readonly aggregate: Aggregate<T>;
  /** Where its streams are. */
  readonly store: RepositoryStore;
  readonly #setup: Setup;

  /**
   * Throws `invalid_argument` without an aggregate or a store, and for a cache where events expire; `not_configured`
   * when rows are to be written with the events or values are to be unique, and the store can't do that.
   */
  constructor(aggregate: Aggregate<T>, store: RepositoryStore, options: RepositoryOptions = {}) {
    this.#setup = setUp(aggregate, store, options);
    this.aggregate = aggregate;
    this.store = store;
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
    return observed(setup, "apply", options.signal, async (call) => {
      const [applied] = await applyTasks([prepareTask(setup, { ...options, command })], options, call);
      return applied as Applied<T["aggregate"], EventsFor<T, C>>;
    });
  }

  /**
   * Applies commands to several aggregates, of this repository and of others on the same store, in one transaction: all
   * or none. Each is decided on its own aggregate, as {@link apply} does; when somebody else changes one of them
   * meanwhile, all are decided again. An aggregate whose commands have nothing to do stays at its version until then.
   *
   * A `commandId` is kept with the first aggregate, so every other command must say its id. It costs the store's price
   * of a transaction: on DynamoDB 2 write units for each event, row, claim and aggregate that stays as it is, and at
   * most 100 of them.
   *
   * Throws what `apply` throws; `invalid_argument` for no commands, two entries for one aggregate, and repositories of
   * different stores; `not_configured` when the store has no transactions.
   */
  async applyAll<const L extends readonly AnyCommandFor[]>(
    commands: L,
    options: ApplyAllOptions = {},
  ): Promise<AppliedAll<L>> {
    return observed(this.#setup, "applyAll", options.signal, async (call) => {
      const tasks = checkTogether(this.#tasksOf(commands, options), options);
      return (await applyTasks(tasks, options, call)) as AppliedAll<L>;
    });
  }

  /**
   * Decides commands to several aggregates, as {@link applyAll} does, and saves nothing: it gives what a transaction has
   * to write for them. It is for who saves it together with something else, by the store's `saveAll`, and decides anew
   * when that conflicts. Rows are a part of it, unless the repository writes none.
   *
   * Throws what `applyAll` throws before it saves.
   */
  async plan(commands: readonly AnyCommandFor[], options: PlanOptions = {}): Promise<Plan> {
    return observed(this.#setup, "plan", options.signal, async (call) => {
      const tasks = checkTogether(this.#tasksOf(commands, options), {});
      return planTasks(tasks, call);
    });
  }

  /**
   * Loads an aggregate: as it is, or with `at` as it was behind a version or at a time. A version that the stream
   * hasn't reached gives its end, which the aggregate's own version tells. Of several lives of an id, the one that the
   * version or the time is in counts; what has expired by now isn't seen at any moment.
   *
   * It reads the end of the stream from the last snapshot on. For a version it does so up to there; for a time, back
   * from the end in growing parts, so that a time long ago reads most of the stream.
   *
   * Throws `not_found`, whose reason tells an aggregate that never was, or wasn't then, from one that has expired; and
   * `invalid_argument` for a moment that can't be.
   */
  async load(id: string, options: LoadAggregateOptions = {}): Promise<T["aggregate"]> {
    const setup = this.#setup;
    return observed(setup, "load", options.signal, async (call) => {
      const { aggregate, absence } = await loadAt(setup, id, options, call);
      if (aggregate !== undefined) return aggregate;
      throw notFound(setup, id, absence, options.at);
    });
  }

  /**
   * Loads many aggregates, and gives for each id, in their order, what came of it: the aggregate, that there is none,
   * or the failure. One that fails leaves the others as they are.
   *
   * Each costs what {@link load} costs, some at a time: no store reads several streams in one request.
   *
   * Throws `invalid_argument` for an empty id before anything is read, and `cancelled`.
   */
  async loadMany(ids: readonly string[], options: LoadManyOptions = {}): Promise<readonly Loaded<T["aggregate"]>[]> {
    return observed(this.#setup, "loadMany", options.signal, async (call) => {
      const loaded: readonly Loaded<Message>[] = await loadMany(this.#setup, ids, options, call);
      return loaded as readonly Loaded<T["aggregate"]>[];
    });
  }

  /**
   * Tells whether there is an aggregate. One that has expired doesn't exist.
   *
   * It reads what {@link load} reads, since any of those records may be the one that has expired, and computes nothing.
   */
  async exists(id: string, options: CallOptions = {}): Promise<boolean> {
    const { definition, format, store } = this.#setup;
    return observed(this.#setup, "exists", options.signal, async ({ signal }) => {
      checkId(id);
      return findsState(definition, { ...format, store }, id, { signal });
    });
  }

  /**
   * Reads the events of an aggregate, oldest first, without snapshots, what has expired and earlier lives of the id. None
   * when there is no aggregate. With a range or a limit only that part is given, and read where the stream never
   * expires: one read unit more for its beginning, and no more records for the rest than the events and the snapshots
   * between them.
   *
   * Throws `invalid_argument` for a range and a limit that can't be.
   */
  async history(id: string, options: HistoryOptions = {}): Promise<readonly EventOf<T>[]> {
    const { definition, format, store } = this.#setup;
    return observed(this.#setup, "history", options.signal, async () => {
      checkId(id);
      const events: readonly Message[] = await readHistory(definition, { ...format, store }, id, options);
      return events as readonly EventOf<T>[];
    });
  }

  /**
   * Appends events that were made elsewhere, as in an import. No rule is asked. An empty id, a version of 0 and a time
   * of 0 are filled in, and snapshots are added where they are due; leave out those of the stream that the events come
   * from, and with them its versions. Many events are saved in several transactions;
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

  /**
   * Deletes an aggregate whose schema says `deletable`, and tells whether anything of it was there. A tombstone ends its
   * stream, so that nobody loads, changes or creates it again, also who has it in a cache; in the same write its unique
   * values become free. Then its rows and its events go. After a failure the same call goes on.
   *
   * Subscriptions are told that its life has ended, like that of one that expires. A row that a command was about to write
   * after its events may come back: `rebuild` takes it away. Archives and backups keep what they have.
   *
   * It costs the load, a write with the store's price of a transaction where there are unique values or `after` is
   * charged, a write for each row, and the reads and deletions of all events.
   *
   * Throws `not_configured` for an aggregate or a store that can't, `version_conflict` for another `expectedVersion` and
   * after the last retry, and what the store throws.
   */
  async delete(id: string, options: DeleteOptions = {}): Promise<boolean> {
    return observed(this.#setup, "delete", options.signal, async (call) => {
      checkId(id);
      return deleteAggregate(this.#setup, id, options, call);
    });
  }

  #tasksOf(commands: readonly AnyCommandFor[], options: PlanOptions): readonly Task[] {
    return commands.map((one) => {
      const { repository } = one;
      if (typeof repository !== "object" || repository === null || !(#setup in repository)) {
        throw invalid("commands", "an entry has no repository of this package: make it with commandFor");
      }
      return prepareTask(repository.#setup, { ...options, ...one });
    });
  }
}
