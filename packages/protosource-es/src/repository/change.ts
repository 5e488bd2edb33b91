/** Steps 2 to 6 for the commands to one aggregate: each is decided on the state that the one before leaves. */
import { emptyAggregate } from "../aggregate/aggregate.js";
import type { AggregateMessage, CommandMessage, EventMessage } from "../aggregate/behaviour.js";
import type { Sealer } from "../personal/keyring.js";
import type { StoredRecord } from "../store/store.js";
import { type UniqueValues, uniqueValues } from "./claims.js";
import { copyMessage } from "./copy-message.js";
import { commandBehaviourOf, decideWith } from "./decide.js";
import type { AppendOptions } from "./emit.js";
import { checkNotDeleted } from "./lifecycle.js";
import { carryOn, expiriesOf } from "./lifetime.js";
import type { Call } from "./observed-operation.js";
import { snapshotFits, toRecords } from "./save.js";
import { sealerOf } from "./sealing.js";
import { type Setup, streamIdOf } from "./setup.js";
import type { WarmState } from "./warm-aggregates.js";

/** Commands to one aggregate, ready to be decided. */
export interface Task {
  readonly setup: Setup;
  readonly id: string;
  /** Whether the caller said the id. Else it was made, and is new at each call. */
  readonly isNamed: boolean;
  readonly commands: readonly CommandMessage[];
  /** What to keep with the first event. */
  readonly meta: Uint8Array | undefined;
  /** The version that the caller decided on, if any. */
  readonly expectedVersion: bigint | undefined;
}

/** What commands come to. */
export interface Change extends Task {
  /** What they were decided on. */
  readonly loaded: WarmState;
  /** The unique values of before. */
  readonly taken: UniqueValues;
  readonly events: readonly EventMessage[];
  /** What is to be stored: the events, with the snapshots that are due among them. */
  readonly stored: readonly EventMessage[];
  /** The same as records. */
  readonly records: readonly StoredRecord[];
  /** Has the keys for what of it is personal; undefined where nothing is. */
  readonly sealer: Sealer | undefined;
  /** The state afterwards. */
  readonly aggregate: AggregateMessage;
  /** Whether there is nothing to do. */
  readonly skipped: boolean;
}

/** Decides the commands of a task. Throws what a rule throws, and what `decide` does. */
async function decideTask(task: Task, loaded: WarmState, { signal }: Call): Promise<Change> {
  const { setup } = task;
  const { definition, behaviour, options, format, clock } = setup;
  const accepts = snapshotRule(setup, task.id);
  const events: EventMessage[] = [];
  const stored: EventMessage[] = [];
  // Before the rules see the state: one that changes it against the rule changes nothing here.
  const taken = uniqueValues(definition, loaded.aggregate, format.keyring);
  let { aggregate = emptyAggregate(definition), version } = loaded;
  for (const given of task.commands) {
    // A copy for each try: what a rule changes against the rule must not be there when it is asked again.
    const { schema, lifecycle } = commandBehaviourOf(definition, given);
    if (lifecycle === "creation") checkNotDeleted(task.id, loaded.last);
    const command = copyMessage(schema, given);
    const now = clock.now();
    let first = true;
    const at = (): bigint => {
      const time = first ? now : clock.now();
      first = false;
      return time;
    };
    const decideOptions = { version, at, accepts, validate: options.validate };
    const outcome = await decideWith(definition, aggregate, command, { now, signal }, decideOptions);
    ({ aggregate } = outcome);
    if (outcome.skipped) continue;
    ({ version } = aggregate);
    events.push(...(outcome.events as readonly EventMessage[]));
    stored.push(...(outcome.stored as readonly EventMessage[]));
  }
  const snapshot = carryOn(setup, loaded, stored, aggregate, { at: () => clock.now(), accepts });
  if (snapshot !== undefined) stored.push(snapshot);
  const sealer =
    stored.length === 0 ? undefined : await sealerOf(behaviour, stored, aggregate, format.keyring, { signal });
  const records = toRecords(behaviour, task.id, stored, expiriesOf(setup, stored, loaded), { ...format, sealer });
  return { ...task, loaded, taken, events, stored, records, sealer, aggregate, skipped: stored.length === 0 };
}

/** Decides each task on the state that was read for it, in their order. */
export async function decideAll(
  tasks: readonly [Task, ...Task[]],
  states: readonly WarmState[],
  call: Call,
): Promise<[Change, ...Change[]]> {
  call.facts.decisions++;
  const changes: Change[] = [];
  for (const [i, task] of tasks.entries()) changes.push(await decideTask(task, states[i] as WarmState, call));
  return changes as [Change, ...Change[]];
}

/**
 * Gives the rule that says which snapshots are written. By default a snapshot is for the store to accept: a stream
 * without one that Go expects is wrong to Go.
 */
export function snapshotRule(setup: Setup, id: string): AppendOptions["accepts"] {
  const { options, format, logger } = setup;
  if (options.sharedWithGo ?? !(format.packs || setup.behaviour.isPersonal)) return () => true;
  return (schema, snapshot) => snapshotFits(schema, snapshot, streamIdOf(setup, id), format, logger);
}
