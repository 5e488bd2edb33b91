/**
 * The annotations of a file, read once: which message is what. It reads a wrong file too; what is wrong is for
 * `defineAggregate` and for the code generator to say.
 */
import { type DescEnum, type DescField, type DescFile, type DescMessage, getOption } from "@bufbuild/protobuf";
import {
  CollectionAction,
  CommandLifecycle,
  type MessageOptions,
  protosource_file,
  protosource_message_type,
} from "../gen/funinthecloud/protosource/options/v1/options_v1_pb.js";
import { protosource_es_field, protosource_es_message, Unset } from "../gen/protosource_es/options/v1/options_v1_pb.js";

/** The messages of a file by role, each kind in the order of the source. A valid file has one aggregate. */
export interface FileModel {
  readonly file: DescFile;
  /** Whether the file asks for generated code. */
  readonly enabled: boolean;
  readonly aggregates: readonly AggregateModel[];
  readonly commands: readonly CommandModel[];
  /** Without those that are retired. */
  readonly events: readonly EventModel[];
  readonly retired: readonly RetiredModel[];
  readonly snapshots: readonly SnapshotModel[];
  readonly projections: readonly ProjectionModel[];
}

export interface AggregateModel {
  readonly schema: DescMessage;
  /** The enum of the field `state`. */
  readonly states: DescEnum | undefined;
  /** How long each record and row counts after it was written; 0 for ever. */
  readonly ttlSeconds: bigint;
}

export interface CommandModel {
  readonly schema: DescMessage;
  /** Whether the aggregate must not exist yet, or must exist; `any` when the annotation doesn't say. */
  readonly lifecycle: "creation" | "mutation" | "any";
  /** The names of the events that it emits, in order. */
  readonly events: readonly string[];
  /** The names of the states in which it is allowed; any state when empty. */
  readonly allowedStates: readonly string[];
}

export interface EventModel {
  readonly schema: DescMessage;
  /** Whether only creation commands emit it: then it also sets who created the aggregate, and when. */
  readonly creation: boolean;
  /** The name of the state that it leads to. */
  readonly setsState: string | undefined;
  readonly collection: CollectionModel | undefined;
}

/** An event that streams still hold, and that is no longer emitted. */
export interface RetiredModel {
  readonly schema: DescMessage;
  /** Why, in the words of the source. */
  readonly reason: string;
}

export interface CollectionModel {
  /** The aggregate's map field. */
  readonly target: string;
  readonly action: "add" | "remove" | undefined;
  /** The field of the element, and of a removing event, that holds the map key. */
  readonly keyField: string;
}

export interface SnapshotModel {
  readonly schema: DescMessage;
  /** A snapshot follows each version that is a multiple of it; 0 when none are written. */
  readonly interval: number;
}

export interface ProjectionModel {
  readonly schema: DescMessage;
}

/** Reads the annotations of a file. */
export function fileModel(file: DescFile): FileModel {
  const commands = withRole(file, "command", (schema, options) => ({
    schema,
    lifecycle: lifecycles[options.lifecycle] ?? "any",
    events: options.producesEvents,
    allowedStates: options.allowedStates,
  }));
  const events = withRole(file, "event", (schema, options) => {
    return { schema, options, reason: getOption(schema, protosource_es_message).retired };
  });
  return {
    file,
    enabled: getOption(file, protosource_file).enabled,
    aggregates: withRole(file, "aggregate", (schema, options) => ({
      schema,
      states: fieldNamed(schema, "state")?.enum,
      ttlSeconds: options.eventTtlSeconds,
    })),
    commands,
    events: events
      .filter(({ reason }) => reason === undefined)
      .map(({ schema, options: { setsState, collection } }) => ({
        schema,
        creation: isCreation(schema.name, commands),
        setsState: setsState === "" ? undefined : setsState,
        collection: collection && {
          target: collection.target,
          action: actions[collection.action],
          keyField: collection.keyField,
        },
      })),
    retired: events.flatMap(({ schema, reason }) => (reason === undefined ? [] : [{ schema, reason }])),
    snapshots: withRole(file, "snapshot", (schema, { everyNEvents, disabled }) => ({
      schema,
      interval: disabled ? 0 : everyNEvents,
    })),
    projections: withRole(file, "projection", (schema) => ({ schema })),
  };
}

/** Tells whether an event's field leaves the aggregate's as it is by being unset, rather than to clear it. */
export function unsetKeeps(field: DescField): boolean {
  return getOption(field, protosource_es_field).unset === Unset.KEEPS;
}

/** Tells whether an aggregate may be deleted. */
export function isDeletable(schema: DescMessage): boolean {
  return getOption(schema, protosource_es_message).deletable;
}

/** Tells whether an event begins a life of its aggregate: a creation command emits it first, and no other command does. */
export function isFirst({ schema, creation }: EventModel, { commands }: Pick<FileModel, "commands">): boolean {
  return creation && commands.some(({ lifecycle, events }) => lifecycle === "creation" && events[0] === schema.name);
}

/** The field of a name, as the source writes it. */
export function fieldNamed(schema: DescMessage, name: string): DescField | undefined {
  return schema.fields.find((field) => field.name === name);
}

const lifecycles: { readonly [lifecycle: number]: CommandModel["lifecycle"] } = {
  [CommandLifecycle.CREATION]: "creation",
  [CommandLifecycle.MUTATION]: "mutation",
};

const actions: { readonly [action: number]: CollectionModel["action"] } = {
  [CollectionAction.ADD]: "add",
  [CollectionAction.REMOVE]: "remove",
};

/** An event that a command of another lifecycle emits too says nothing about a creation. */
function isCreation(event: string, commands: readonly CommandModel[]): boolean {
  const emitters = commands.filter(({ events }) => events.includes(event));
  return emitters.length > 0 && emitters.every(({ lifecycle }) => lifecycle === "creation");
}

type Role = Exclude<MessageOptions["role"], { case: undefined }>;
type RoleOptions<C extends Role["case"]> = Extract<Role, { case: C }>["value"];

function withRole<C extends Role["case"], M>(
  file: DescFile,
  role: C,
  read: (schema: DescMessage, options: RoleOptions<C>) => M,
): M[] {
  return file.messages.flatMap((schema) => {
    const found = getOption(schema, protosource_message_type).role;
    return found.case === role ? [read(schema, found.value as RoleOptions<C>)] : [];
  });
}
