/** What an aggregate does, compiled from its annotations into closures: once per aggregate, when it is defined. */
import type { DescField, DescMessage, Message, Registry } from "@bufbuild/protobuf";
import { ProtosourceError } from "../errors.js";
import { personalPlan } from "../personal/personal-plan.js";
import { fileRegistry } from "../serializer/file-registry.js";
import { MAX_TTL_SECONDS } from "../store/save-checks.js";
import {
  type CopyFields,
  fieldCopier,
  fieldReader,
  fieldWriter,
  holdSameType,
  namesakes,
  type ReadField,
  typeOf,
  type WriteField,
} from "./fields.js";
import {
  type AggregateModel,
  type CommandModel,
  type EventModel,
  type FileModel,
  fieldNamed,
  fileModel,
  isFirst,
  type ProjectionModel,
  type RetiredModel,
  type SnapshotModel,
  unsetKeeps,
} from "./file-model.js";

/** The fields that every event and snapshot begins with, and that the framework fills. */
export interface EventEnvelope {
  id: string;
  version: bigint;
  at: bigint;
  actor: string;
}

/** The fields that every command begins with. */
export interface CommandEnvelope {
  id: string;
  actor: string;
}

export type AggregateMessage = Message & { id: string; version: bigint };
export type EventMessage = Message & EventEnvelope;
export type CommandMessage = Message & CommandEnvelope;

export interface Behaviour {
  readonly model: FileModel;
  readonly schema: DescMessage;
  /** What comes before the id in the key of a stream. */
  readonly streamPrefix: string;
  /** The types that a stream may hold. */
  readonly registry: Registry;
  readonly ttlSeconds: bigint;
  /** By type name. */
  readonly commands: ReadonlyMap<string, CommandBehaviour>;
  /** By type name, without the snapshot and what is retired. */
  readonly events: ReadonlyMap<string, EventBehaviour>;
  /** The events that are no longer emitted, by type name. */
  readonly retired: ReadonlyMap<string, DescMessage>;
  readonly snapshot: SnapshotBehaviour | undefined;
  readonly projections: readonly ProjectionBehaviour[];
  /** Whether any of its messages has personal fields, which are stored sealed. */
  readonly isPersonal: boolean;
  /** The name of the state that an aggregate is in; its number when it has no name. */
  stateOf(aggregate: Message): string;
}

export interface CommandBehaviour {
  readonly schema: DescMessage;
  readonly lifecycle: CommandModel["lifecycle"];
  readonly allowedStates: readonly string[];
  readonly emits: readonly Emission[];
}

/** An event as a command emits it. */
export interface Emission {
  readonly event: EventBehaviour;
  /** Copies the command's fields into the event. */
  readonly copyCommand: CopyFields;
}

export interface EventBehaviour {
  readonly schema: DescMessage;
  /** Whether a creation command emits it first, and no command of another lifecycle emits it. */
  readonly isFirst: boolean;
  /** The names of the types that a creation command emits right before it. */
  readonly follows: ReadonlySet<string>;
  /** Changes the aggregate as the event says, in place. */
  readonly apply: (aggregate: AggregateMessage, event: EventMessage) => void;
}

export interface SnapshotBehaviour {
  readonly schema: DescMessage;
  /** A snapshot follows each version that is a multiple of it; 0 when none are written. */
  readonly interval: number;
  /** Puts a state into a snapshot. */
  readonly writeState: WriteField;
  /** Gives the state in a snapshot; undefined for any other event. */
  stateIn(event: Message): AggregateMessage | undefined;
  /** Sets the aggregate to the state in a snapshot. One without a state leaves it: it stands where nothing changed. */
  restore(aggregate: AggregateMessage, snapshot: EventMessage): void;
}

export interface ProjectionBehaviour {
  readonly schema: DescMessage;
  readonly copyAggregate: CopyFields;
}

const EVENT_FIELDS: readonly (readonly [name: keyof EventEnvelope, type: string])[] = [
  ["id", "string"],
  ["version", "int64"],
  ["at", "int64"],
  ["actor", "string"],
];
const COMMAND_FIELDS = EVENT_FIELDS.filter(([name]) => name === "id" || name === "actor");
const AGGREGATE_FIELDS = EVENT_FIELDS.filter(([name]) => name === "id" || name === "version");
const EVENT_FIELD_NAMES: readonly string[] = EVENT_FIELDS.map(([name]) => name);

const behaviours = new WeakMap<DescMessage, Behaviour>();

/** Gives the behaviour of an aggregate. Throws `invalid_argument` when its file doesn't describe one. */
export function behaviourOf(schema: DescMessage): Behaviour {
  let behaviour = behaviours.get(schema);
  if (behaviour === undefined) {
    behaviour = compile(schema);
    behaviours.set(schema, behaviour);
  }
  return behaviour;
}

function compile(schema: DescMessage): Behaviour {
  const model = fileModel(schema.file);
  const aggregate = onlyAggregate(model, schema);
  requireFields(schema, AGGREGATE_FIELDS);
  const events = new Map(model.events.map((event) => [event.schema.name, compileEvent(event, aggregate, model)]));
  const snapshot = model.snapshots[0] && compileSnapshot(model.snapshots[0], aggregate);
  return {
    model,
    schema,
    streamPrefix: `${schema.file.proto.package.replaceAll(".", "_")}#`,
    registry: fileRegistry(schema.file),
    ttlSeconds: aggregate.ttlSeconds,
    commands: new Map(
      model.commands.map((command) => [command.schema.typeName, compileCommand(command, aggregate, events)]),
    ),
    events: new Map([...events.values()].map((event) => [event.schema.typeName, event])),
    retired: new Map(model.retired.map((event) => [event.schema.typeName, compileRetired(event)])),
    snapshot,
    projections: model.projections.map((projection) => compileProjection(projection, aggregate)),
    isPersonal: [
      schema,
      ...[...model.events, ...model.retired, ...model.projections].map((message) => message.schema),
    ].some((message) => personalPlan(message) !== undefined),
    stateOf: compileStateOf(aggregate),
  };
}

function onlyAggregate(model: FileModel, schema: DescMessage): AggregateModel {
  const aggregate = model.aggregates.find((candidate) => candidate.schema === schema);
  if (aggregate === undefined) throw invalid(schema, "isn't annotated as an aggregate: give the aggregate's schema");
  if (model.aggregates.length > 1) throw invalid(schema, "isn't the only aggregate of its file: give each its own");
  if (model.snapshots.length > 1) throw invalid(schema, "has more than one snapshot message: leave one");
  if (aggregate.ttlSeconds < 0n || aggregate.ttlSeconds > BigInt(MAX_TTL_SECONDS)) {
    throw invalid(schema, `has event_ttl_seconds ${aggregate.ttlSeconds}: choose 0 to ${MAX_TTL_SECONDS}`);
  }
  return aggregate;
}

function compileCommand(
  { schema, lifecycle, events: names, allowedStates }: CommandModel,
  aggregate: AggregateModel,
  events: ReadonlyMap<string, EventBehaviour>,
): CommandBehaviour {
  requireFields(schema, COMMAND_FIELDS);
  if (names.length === 0) throw invalid(schema, "emits nothing: name at least one event in produces_events");
  for (const state of allowedStates) requireState(schema, aggregate, state);
  return {
    schema,
    lifecycle,
    allowedStates,
    emits: names.map((name) => {
      const event = events.get(name);
      if (event === undefined) throw invalid(schema, `emits ${name}, which isn't an event of its file, or is retired`);
      return { event, copyCommand: compileCopy(schema, event.schema, EVENT_FIELD_NAMES) };
    }),
  };
}

function compileEvent(event: EventModel, aggregate: AggregateModel, model: FileModel): EventBehaviour {
  const { schema, creation } = event;
  requireFields(schema, EVENT_FIELDS);
  const change = event.collection
    ? compileCollection(event, aggregate)
    : compileCopy(schema, aggregate.schema, EVENT_FIELD_NAMES, unsetKeeps);
  const stamp = compileStamp(creation, aggregate);
  const setState = compileSetState(event, aggregate);
  return {
    schema,
    ...compilePlace(event, model),
    apply(aggregate, event) {
      aggregate.id = event.id;
      aggregate.version = event.version;
      change(event, aggregate);
      stamp(aggregate, event);
      setState(aggregate);
    },
  };
}

function compileRetired({ schema }: RetiredModel): DescMessage {
  requireFields(schema, EVENT_FIELDS);
  return schema;
}

/** Finds where creation commands emit an event. */
function compilePlace(event: EventModel, model: FileModel): Pick<EventBehaviour, "isFirst" | "follows"> {
  const { commands, events } = model;
  const emitted = commands.filter(({ lifecycle }) => lifecycle === "creation").map((command) => command.events);
  const before = emitted.flatMap((names) => names.filter((_, i) => names[i + 1] === event.schema.name));
  return {
    isFirst: isFirst(event, model),
    follows: new Set(
      events.filter((event) => before.includes(event.schema.name)).map((event) => event.schema.typeName),
    ),
  };
}

/** Sets who made or changed the aggregate, and when, in those of the four fields that it has. */
function compileStamp(
  creation: boolean,
  { schema }: AggregateModel,
): (aggregate: Message, event: EventEnvelope) => void {
  const writers = (name: string, type: string): WriteField[] => {
    const field = fieldNamed(schema, name);
    if (field === undefined) return [];
    if (typeOf(field) !== type) throw invalid(schema, `has ${typeOf(field)} ${name}: write ${type} ${name}`);
    return [fieldWriter(field)];
  };
  const at = [...(creation ? writers("create_at", "int64") : []), ...writers("modify_at", "int64")];
  const by = [...(creation ? writers("create_by", "string") : []), ...writers("modify_by", "string")];
  return (aggregate, event) => {
    for (const write of at) write(aggregate, event.at);
    for (const write of by) write(aggregate, event.actor);
  };
}

function compileSetState({ schema, setsState }: EventModel, aggregate: AggregateModel): (aggregate: Message) => void {
  if (setsState === undefined) return () => {};
  const state = requireState(schema, aggregate, setsState);
  const write = fieldWriter(requireField(aggregate.schema, "state"));
  return (aggregate) => write(aggregate, state);
}

function compileCollection({ schema, collection }: EventModel, { schema: aggregate }: AggregateModel): CopyFields {
  const { target: targetName, action, keyField } = collection as NonNullable<typeof collection>;
  const target = requireField(aggregate, targetName);
  if (target.fieldKind !== "map" || target.message === undefined || typeOf(target) !== mapOf(target.message)) {
    throw invalid(aggregate, `has ${typeOf(target)} ${targetName}: a collection is a map<string, Message>`);
  }
  const mapOfAggregate = fieldReader(target) as (aggregate: Message) => { [key: string]: unknown };
  if (action === "add") {
    const [element, another] = schema.fields.filter(({ name }) => !EVENT_FIELD_NAMES.includes(name));
    if (element?.message !== target.message || element.fieldKind !== "message" || another !== undefined) {
      throw invalid(schema, `adds to ${targetName}: give it one field, of type ${target.message.typeName}`);
    }
    const readElement = fieldReader(element);
    const readKey = keyReader(target.message, keyField, element);
    return (event, aggregate) => {
      const value = readElement(event) as Message | undefined;
      if (value !== undefined) mapOfAggregate(aggregate)[readKey(value)] = value;
    };
  }
  if (action === "remove") {
    const readKey = keyReader(schema, keyField);
    return (event, aggregate) => {
      delete mapOfAggregate(aggregate)[readKey(event)];
    };
  }
  throw invalid(schema, "has a collection without an action: choose COLLECTION_ACTION_ADD or COLLECTION_ACTION_REMOVE");
}

function mapOf(element: DescMessage): string {
  return `map<string, ${element.typeName}>`;
}

/**
 * Reads the key of an element, which may be the value of another field. An object can't hold the key `__proto__`, so it
 * throws `validation_failed` for it.
 */
function keyReader(schema: DescMessage, name: string, element?: DescField): (message: Message) => string {
  const field = requireField(schema, name);
  if (typeOf(field) !== "string")
    throw invalid(schema, `has ${typeOf(field)} ${name}: the key of a collection is text`);
  const read = fieldReader(field) as ReadField;
  const path = element === undefined ? [field] : [element, field];
  return (message) => {
    const key = (read(message) ?? "") as string;
    if (key !== "__proto__") return key;
    const field = path.map(({ name }) => name).join(".");
    const jsonField = path.map(({ jsonName }) => jsonName).join(".");
    throw new ProtosourceError(
      "validation_failed",
      `${field} is "__proto__", which can't be the key of a collection: choose another`,
      { violations: [{ field, jsonField, rule: "collection.key", message: `must not be "__proto__"` }] },
    );
  };
}

function compileSnapshot(
  { schema, interval }: SnapshotModel,
  { schema: aggregate }: AggregateModel,
): SnapshotBehaviour {
  requireFields(schema, EVENT_FIELDS);
  const field = requireField(schema, "snapshot");
  if (field.fieldKind !== "message" || field.message.typeName !== aggregate.typeName) {
    throw invalid(schema, `has ${typeOf(field)} snapshot: write ${aggregate.typeName} snapshot`);
  }
  const readState = fieldReader(field) as SnapshotBehaviour["stateIn"];
  const copyState = compileCopy(aggregate, aggregate, ["id", "version"]);
  return {
    schema,
    interval,
    stateIn: (event) => (event.$typeName === schema.typeName ? readState(event) : undefined),
    writeState: fieldWriter(field),
    restore(aggregate, snapshot) {
      aggregate.id = snapshot.id;
      aggregate.version = snapshot.version;
      const state = readState(snapshot);
      if (state !== undefined) copyState(state, aggregate);
    },
  };
}

function compileProjection({ schema }: ProjectionModel, { schema: aggregate }: AggregateModel): ProjectionBehaviour {
  requireField(schema, "id");
  for (const { name } of schema.fields) {
    if (fieldNamed(aggregate, name) === undefined) throw invalid(schema, `has ${name}, which the aggregate hasn't`);
  }
  return { schema, copyAggregate: compileCopy(aggregate, schema) };
}

/** Makes the function that copies by name, and checks that namesakes hold the same type. */
function compileCopy(
  from: DescMessage,
  to: DescMessage,
  except: readonly string[] = [],
  keeps: (from: DescField) => boolean = () => false,
): CopyFields {
  const pairs = namesakes(from, to, except);
  for (const [a, b] of pairs) {
    if (!holdSameType(a, b)) {
      throw invalid(
        from,
        `has ${typeOf(a)} ${a.name}, and ${to.name} has ${typeOf(b)} ${b.name}: use one type or two names`,
      );
    }
  }
  return fieldCopier(pairs, keeps);
}

function compileStateOf({ schema, states }: AggregateModel): (aggregate: Message) => string {
  const field = fieldNamed(schema, "state");
  if (field === undefined || states === undefined) return () => "";
  const read = fieldReader(field);
  return (aggregate) => {
    const number = (read(aggregate) ?? 0) as number;
    return states.values.find((value) => value.number === number)?.name ?? String(number);
  };
}

function requireState(schema: DescMessage, { states, schema: aggregate }: AggregateModel, name: string): number {
  if (states === undefined) throw invalid(aggregate, "has no enum field state, but its messages name states: add one");
  const value = states.values.find((candidate) => candidate.name === name);
  if (value === undefined) throw invalid(schema, `names the state ${name}, which isn't a value of ${states.typeName}`);
  return value.number;
}

function requireField(schema: DescMessage, name: string): DescField {
  const field = fieldNamed(schema, name);
  if (field === undefined) throw invalid(schema, `has no field ${name}: add it`);
  return field;
}

/** Without presence, because the framework reads and writes these fields as plain properties. */
function requireFields(schema: DescMessage, required: readonly (readonly [name: string, type: string])[]): void {
  for (const [name, type] of required) {
    const field = requireField(schema, name);
    const plain = field.fieldKind === "scalar" && field.oneof === undefined;
    if (!plain || typeOf(field) !== type) throw invalid(schema, `has ${typeOf(field)} ${name}: write ${type} ${name}`);
  }
}

function invalid(schema: DescMessage, problem: string): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError("invalid_argument", `${schema.typeName} ${problem}`, { argument: schema.typeName });
}
