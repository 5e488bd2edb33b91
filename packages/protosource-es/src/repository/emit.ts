/** Step 6: the events of the command, and the snapshots that are due after them. */
import { create, type DescMessage } from "@bufbuild/protobuf";
import { type Aggregate, beginsLife, derive, emptyAggregate, eventBehaviourOf } from "../aggregate/aggregate.js";
import {
  type AggregateMessage,
  behaviourOf,
  type CommandBehaviour,
  type CommandMessage,
  type Emission,
  type EventMessage,
} from "../aggregate/behaviour.js";
import { fieldReader, fieldWriter } from "../aggregate/fields.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { ProtosourceError } from "../errors.js";
import { checkNesting } from "./check-nesting.js";
import { copyMessage } from "./copy-message.js";
import type { Verdict } from "./evaluate.js";

/** Who a snapshot is by, to every reader of the family. */
const SNAPSHOT_ACTOR = "snapshot@system";

export interface AppendOptions {
  /** The version that the first event follows. */
  readonly version: bigint;
  /** Gives the time of the next event, in microseconds. */
  readonly at: () => bigint;
  /** Tells whether a snapshot can be stored; one that can't is left out. */
  readonly accepts: (schema: DescMessage, snapshot: EventMessage) => boolean;
}

export interface Appended {
  readonly events: readonly EventMessage[];
  /** The events with the snapshots among them. */
  readonly stored: readonly EventMessage[];
  /** The state afterwards: the aggregate that was given, or another one where an event begins a new life. */
  readonly aggregate: AggregateMessage;
}

/** Makes the events of a command, one by one. Their versions are still 0. */
export function* emit(
  { emits }: CommandBehaviour,
  command: CommandMessage,
  verdict: NonNullable<Verdict>,
  at: () => bigint,
): Generator<EventMessage, void, undefined> {
  for (const emission of emits) {
    const event = makeEvent(emission, command, verdict[emission.event.schema.name]);
    yield Object.assign(event, { id: command.id, version: 0n, at: at(), actor: command.actor });
  }
}

/**
 * Numbers events, applies them to the aggregate in place, and puts snapshots where they are due. Derived fields stay
 * as they are.
 *
 * Throws `version_conflict` for an event that has a version already, and another one than comes next, `unhandled_event`
 * for one of another aggregate, and `invalid_argument` for one that couldn't be read again.
 */
export function append<T extends AggregateTypes>(
  definition: Aggregate<T>,
  given: AggregateMessage,
  newEvents: Iterable<EventMessage>,
  options: AppendOptions,
): Appended {
  let aggregate = given;
  const events: EventMessage[] = [];
  const stored: EventMessage[] = [];
  let { version } = options;
  for (const event of newEvents) {
    version += 1n;
    if (event.version !== 0n && event.version !== version) throw wrongVersion(event, version);
    event.version = version;
    const { schema, apply } = eventBehaviourOf(definition, event);
    // The copy keeps the event apart from the state, which later events and derived fields change.
    const copy = copyMessage(schema, event);
    checkNesting(schema, copy);
    if (beginsLife(definition, event, events.at(-1))) aggregate = emptyAggregate(definition);
    apply(aggregate, copy);
    events.push(event);
    stored.push(event);
    if (!isDue(definition, version)) continue;
    const snapshot = takeSnapshot(definition, aggregate, options);
    if (snapshot === undefined) continue;
    ({ version } = snapshot);
    stored.push(snapshot);
  }
  return { events, stored, aggregate };
}

function makeEvent(
  { event: { schema }, copyCommand }: Emission,
  command: CommandMessage,
  filled: object | null | undefined,
): EventMessage {
  const event = create(schema);
  copyCommand(command, event);
  if (filled) {
    const values = create(schema, filled as { [name: string]: unknown });
    for (const field of schema.fields) {
      const member = field.oneof ?? field;
      if (Object.hasOwn(filled, member.localName)) fieldWriter(field)(event, fieldReader(field)(values));
    }
  }
  return event as EventMessage;
}

/** Tells whether a snapshot follows the event of a version. */
function isDue<T extends AggregateTypes>({ schema }: Aggregate<T>, version: bigint): boolean {
  const { interval = 0 } = behaviourOf(schema).snapshot ?? {};
  return interval > 0 && version % BigInt(interval) === 0n;
}

/**
 * Makes the snapshot that follows the last event of an aggregate, which then has its version. Gives undefined where the
 * schema has no snapshots, and for one that can't be stored.
 */
export function takeSnapshot<T extends AggregateTypes>(
  definition: Aggregate<T>,
  aggregate: AggregateMessage,
  { at, accepts }: Pick<AppendOptions, "at" | "accepts">,
): EventMessage | undefined {
  const { schema, snapshot: behaviour } = behaviourOf(definition.schema);
  if (behaviour === undefined) return undefined;
  const version = aggregate.version + 1n;
  const state = copyMessage(schema, aggregate);
  derive(definition, state as T["aggregate"]);
  const snapshot = create(behaviour.schema) as EventMessage;
  Object.assign(snapshot, { id: aggregate.id, version, at: at(), actor: SNAPSHOT_ACTOR });
  behaviour.writeState(snapshot, state);
  if (!accepts(behaviour.schema, snapshot)) return undefined;
  aggregate.version = version;
  return snapshot;
}

function wrongVersion({ id, version }: EventMessage, next: bigint): ProtosourceError<"version_conflict"> {
  return new ProtosourceError(
    "version_conflict",
    `an event for ${id} has version ${version}, and ${next} comes next: leave versions 0 to have them numbered`,
    { aggregateId: id, version },
  );
}
