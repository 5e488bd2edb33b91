/** Before the first load: an attempt on a state that may be stale, which a save proves right. */
import { isProtosourceError } from "../errors.js";
import type { LoadOptions } from "../store/store.js";
import { type Change, decideAll, type Task } from "./change.js";
import { isAtVersion } from "./checks.js";
import type { CommandName } from "./command-id.js";
import { commit } from "./commit.js";
import { readState } from "./load.js";
import type { Call } from "./observed-operation.js";
import { streamIdOf } from "./setup.js";
import type { WarmState } from "./warm-aggregates.js";

/**
 * Tries commands on states that may be stale: those that are kept, or that are read eventually consistent. A save
 * proves that they aren't, for it would conflict. Whatever else comes of it proves nothing, and is for a state that is
 * read anew to say: then this gives undefined.
 */
export async function attemptUnproven(
  tasks: readonly [Task, ...Task[]],
  name: CommandName | undefined,
  call: Call,
): Promise<readonly Change[] | undefined> {
  const states = await unprovenStates(tasks, call);
  if (states === undefined) return undefined;
  const changes = await decideAll(tasks, states, call).catch(() => undefined);
  if (changes === undefined || changes.some(({ skipped }) => skipped)) return undefined;
  try {
    if ((await commit(changes, name, call)) === undefined) return changes;
  } catch (error) {
    const isRefusal = isProtosourceError(error, "too_large") || isProtosourceError(error, "claim_taken");
    if (!isRefusal) throw error;
  }
  for (const { setup, id } of tasks) await setup.warm?.drop(streamIdOf(setup, id));
  return undefined;
}

/** Gives a state for each task, or undefined when one has none that could be right. */
async function unprovenStates(tasks: readonly Task[], call: Call): Promise<readonly WarmState[] | undefined> {
  const states: WarmState[] = [];
  for (const task of tasks) {
    const state = await unprovenState(task, call);
    if (state === undefined || !isAtVersion(state, task.expectedVersion)) return undefined;
    states.push(state);
  }
  return states;
}

async function unprovenState({ setup, id }: Task, call: Call): Promise<WarmState | undefined> {
  const { warm, options } = setup;
  const kept = await warm?.find(streamIdOf(setup, id));
  if (warm !== undefined) call.facts.cache = kept === undefined ? "miss" : "hit";
  const { consistency }: Pick<LoadOptions, "consistency"> = options;
  return kept ?? (consistency === "eventual" ? readState(setup, id, call, { consistency }) : undefined);
}
