/** The loop around all steps: load, decide and save, and again when somebody else was first. */
import { throwIfAborted } from "../store/save-checks.js";
import { type Change, decideAll, type Task } from "./change.js";
import { checkCommandId, checkRetries, checkVersion } from "./checks.js";
import { commandHash } from "./command-hash.js";
import { findRepeated, untouched } from "./command-id.js";
import { commit, type Plan, planOf } from "./commit.js";
import { firstExpiryAfter } from "./lifetime.js";
import { readState } from "./load.js";
import type { Call, OperationFacts } from "./observed-operation.js";
import { pause } from "./pause.js";
import type { AnyApplied, ApplyAllOptions } from "./repository-options.js";
import { streamIdOf } from "./setup.js";
import { inTurns } from "./turns.js";
import { attemptUnproven } from "./unproven-attempt.js";
import type { WarmState } from "./warm-aggregates.js";

/** How often commands are decided again by default when somebody else was first. */
export const DEFAULT_RETRIES = 8;

/**
 * Decides and saves the commands of tasks, all or none. When somebody else changes one of the aggregates meanwhile,
 * everything is decided again.
 */
export async function applyTasks(
  tasks: readonly [Task, ...Task[]],
  { commandId, retries: wanted }: ApplyAllOptions,
  call: Call,
): Promise<readonly AnyApplied[]> {
  const { signal, facts } = call;
  const [first, ...others] = tasks;
  facts.commands = typesOf(tasks);
  checkRetries(wanted);
  if (commandId !== undefined) checkCommandId(first.setup.store, commandId);
  const isExpected = tasks.some(({ expectedVersion }) => expectedVersion !== undefined);
  const retries = isExpected ? 0 : (wanted ?? first.setup.options.retries ?? DEFAULT_RETRIES);
  throwIfAborted(signal, facts.operation);
  const name = commandId === undefined ? undefined : { commandId, hash: await commandHash(tasks) };
  const streamIds = tasks.map(({ setup, id }) => streamIdOf(setup, id));
  return inTurns(first.setup.store, streamIds, signal, async (waitForTurn) => {
    const proven = await attemptUnproven(tasks, name, call);
    if (proven !== undefined) return conclude(proven, facts);
    let conflict: Error | undefined;
    for (let attempt = 0; ; attempt++) {
      throwIfAborted(signal, facts.operation);
      const states = await readStates(tasks, call);
      if (name !== undefined) {
        // Only after the load: before it, another process could carry out the command between the two.
        const repeated = await findRepeated(first.setup, name, first.isNamed ? first.id : undefined, call);
        if (repeated !== undefined) {
          Object.assign(facts, { skipped: true, repeated: true });
          return [repeated, ...(await Promise.all(others.map(({ setup, id }) => untouched(setup, id, call))))];
        }
      }
      if (conflict !== undefined && attempt > retries) throw conflict;
      checkVersions(tasks, states);
      const changes = await decideAll(tasks, states, call);
      const isNothing = commandId === undefined && changes.every(({ skipped }) => skipped);
      conflict = isNothing ? undefined : await commit(changes, name, call);
      if (conflict === undefined) return conclude(changes, facts);
      if (attempt >= retries && commandId === undefined) throw conflict;
      await waitForTurn();
      await pause(attempt, signal);
    }
  });
}

/** Decides the commands of tasks, and gives what a transaction has to write for them. */
export async function planTasks(tasks: readonly [Task, ...Task[]], call: Call): Promise<Plan> {
  call.facts.commands = typesOf(tasks);
  const states = await readStates(tasks, call);
  checkVersions(tasks, states);
  return planOf(await decideAll(tasks, states, call), ({ materialize }) => materialize !== "off");
}

function typesOf(tasks: readonly Task[]): readonly string[] {
  return tasks.flatMap(({ commands }) => commands.map(({ $typeName }) => $typeName));
}

function readStates(tasks: readonly Task[], call: Call): Promise<readonly WarmState[]> {
  return Promise.all(tasks.map(({ setup, id }) => readState(setup, id, call)));
}

function checkVersions(tasks: readonly Task[], states: readonly WarmState[]): void {
  for (const [i, { id, expectedVersion }] of tasks.entries()) {
    checkVersion(id, states[i] as WarmState, expectedVersion);
  }
}

/** Keeps the states for the next commands, and tells what came of these. */
async function conclude(changes: readonly Change[], facts: OperationFacts): Promise<readonly AnyApplied[]> {
  for (const { setup, id, aggregate, stored, records, loaded } of changes) {
    const firstExpiry = firstExpiryAfter(setup, loaded, stored, records);
    await setup.warm?.keep(streamIdOf(setup, id), aggregate, records.at(-1), firstExpiry);
  }
  facts.events = changes.reduce((sum, { events }) => sum + events.length, 0);
  facts.skipped = changes.every(({ skipped }) => skipped);
  return changes.map(({ id, events, aggregate, skipped }) => {
    return { id, version: aggregate.version, events, aggregate, skipped, repeated: false };
  });
}
