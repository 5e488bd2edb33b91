/** Steps of many streams in few transactions: those that wait while one is under way share the next. */
import { isProtosourceError } from "../errors.js";
import { otherTurns } from "../signals.js";
import { type Commit, type Committed, commitAlone, type Step } from "./commit-step.js";
import type { Engine } from "./engine.js";
import { isForAll } from "./failures.js";
import type { Subscription } from "./subscription.js";

/** How many streams share a transaction: as many rows find room beside their positions. */
const MAX_STREAMS = 49;

/** A step that waits for its transaction. */
interface Waiting {
  readonly step: Step;
  readonly resolve: (committed: Committed) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes a commit that brings steps of different streams together, where the subscription can. A row that many streams
 * change is read and written once for all of them, and they don't contend for it. What fails in company is tried alone,
 * so that each has its own failure.
 */
export function commitTogether(engine: Engine, subscription: Subscription): Commit {
  // A row that keeps its position is written for less alone.
  if (subscription.reactTogether === undefined) return (step) => commitAlone(engine, subscription, step);
  const group = new Group(engine, subscription, subscription.reactTogether);
  return (step) => group.commit(step);
}

class Group {
  readonly #engine: Engine;
  readonly #subscription: Subscription;
  readonly #reactTogether: NonNullable<Subscription["reactTogether"]>;
  #waiting: readonly Waiting[] = [];
  #isBusy = false;

  constructor(engine: Engine, subscription: Subscription, react: NonNullable<Subscription["reactTogether"]>) {
    this.#engine = engine;
    this.#subscription = subscription;
    this.#reactTogether = react;
  }

  commit(step: Step): Promise<Committed> {
    return new Promise((resolve, reject) => {
      this.#waiting = [...this.#waiting, { step, resolve, reject }];
      if (!this.#isBusy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      // Those who come in this turn share the transaction.
      await otherTurns();
      const taken = this.#waiting.slice(0, MAX_STREAMS);
      this.#waiting = this.#waiting.slice(MAX_STREAMS);
      const left = taken.length > 1 ? await this.#commitShared(taken) : taken;
      for (const one of left) await this.#commitAlone(one);
    }
    this.#isBusy = false;
  }

  /** Commits steps in one transaction, and gives those that are to be tried alone. */
  async #commitShared(taken: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { store, opaqueStore, keyring, clock, signal } = this.#engine;
    try {
      const runs = taken.map(({ step }) => step.run);
      const { reached, rows } = await this.#reactTogether(runs, { store, opaqueStore, keyring, clock, signal });
      const done = taken.flatMap((one, i) => {
        const end = reached[i];
        return end === undefined ? [] : [{ ...one, committed: { move: one.step.moveTo(end), to: end.to } }];
      });
      await store.saveAll([], { rows, positions: done.map(({ committed }) => committed.move), signal });
      for (const { resolve, committed } of done) resolve(committed);
      this.#waiting = [...taken.filter((_, i) => reached[i] === undefined), ...this.#waiting];
      return [];
    } catch (error) {
      return this.#withoutThoseOf(error, taken);
    }
  }

  /** Tells the steps of a failure, and gives those that it says nothing of. */
  #withoutThoseOf(error: unknown, taken: readonly Waiting[]): readonly Waiting[] {
    if (isProtosourceError(error, "position_conflict")) {
      const moved = taken.filter(({ step }) => step.run.streamId === error.details.streamId);
      for (const { reject } of moved) reject(error);
      this.#waiting = [...taken.filter((one) => !moved.includes(one)), ...this.#waiting];
      return [];
    }
    if (isForAll(error) || isProtosourceError(error, "row_conflict")) {
      for (const { reject } of taken) reject(error);
      return [];
    }
    return taken;
  }

  async #commitAlone({ step, resolve, reject }: Waiting): Promise<void> {
    await commitAlone(this.#engine, this.#subscription, step).then(resolve, reject);
  }
}
