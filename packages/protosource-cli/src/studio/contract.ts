/**
 * What the API of the studio answers, and the page shows. Whole numbers of 64 bits are strings, as in the JSON of messages;
 * times are microseconds since the Unix epoch in such a string.
 */
import type { JsonValue } from "@bufbuild/protobuf";

/** What is looked at. */
export interface About {
  readonly store: { readonly kind: "memory" | "sqlite" | "dynamodb"; readonly name: string };
  readonly aggregates: readonly AggregateInfo[];
  /** Whether there are messages with personal fields, which `personal=shown` asks for in each request. */
  readonly hasPersonal: boolean;
  /** Whether those that are sealed can be opened then. */
  readonly canOpen: boolean;
  /** What of the domain couldn't be used, in sentences. */
  readonly problems: readonly string[];
}

export interface AggregateInfo {
  /** The full name of its message. */
  readonly type: string;
  readonly name: string;
  /** What the ids of its streams begin with. */
  readonly prefix: string;
  /** Whether its hand-written rules are known. */
  readonly hasRules: boolean;
  /** The fields that no event sets, so that they are empty without rules. */
  readonly derived: readonly string[];
  /** The short names of its events. */
  readonly events: readonly string[];
  /** The short names of its commands. */
  readonly commands: readonly string[];
}

/** What an answer cost, where a store charges for requests. */
export interface Cost {
  readonly requests: number;
  readonly readUnits: number;
}

/** A part of the streams. One that goes on in the next page is in both, each with its part. */
export interface StreamPage {
  readonly streams: readonly StreamSummary[];
  readonly unreadable: readonly string[];
  readonly records: number;
  readonly cursor?: string;
  readonly cost?: Cost;
}

export interface StreamSummary {
  readonly id: string;
  readonly records: number;
  readonly bytes: number;
  readonly first: string;
  readonly last: string;
  /** When the last event happened. */
  readonly at?: string;
  /** The short name of the last event's type. */
  readonly type?: string;
}

/** A part of a stream, in ascending order. */
export interface EventPage {
  readonly events: readonly EventSummary[];
  readonly unreadable: readonly string[];
  readonly cursor?: string;
  readonly cost?: Cost;
}

/** What a record is. */
export type EventKind = "event" | "snapshot" | "retired" | "tombstone" | "unknown" | "damaged";

export interface EventSummary {
  readonly version: string;
  readonly kind: EventKind;
  readonly at?: string;
  readonly actor?: string;
  /** The short name of its type. */
  readonly type?: string;
  readonly bytes: number;
  /** The beginning of its own fields, or what is wrong with it. */
  readonly text: string;
  /** How many records behind it were saved with it, where the store tells that. */
  readonly following: number;
  /** Another store tells it so: the same for neighbours that were saved at once. */
  readonly save?: string;
  readonly expired?: true;
  readonly sealed?: true;
}

/** One record, whole. */
export interface EventDetail extends Omit<EventSummary, "following"> {
  readonly typeName?: string;
  readonly expires?: string;
  readonly json?: JsonValue;
  /** The stored data in base64: the first 64 KiB. Absent while what it may hold is masked. */
  readonly raw?: string;
  /** Fields that the schema doesn't know. */
  readonly unknown: readonly UnknownField[];
  readonly meta?: { readonly [name: string]: string };
  readonly retired?: { readonly reason: string; readonly readAs?: JsonValue };
  readonly problem?: string;
  /** Whether something is shown only when personal fields are asked for. */
  readonly masked?: true;
}

export interface UnknownField {
  readonly number: number;
  readonly wireType: string;
  readonly bytes: number;
}

/** One value that differs. A side on which there is nothing is absent. */
export interface StateChange {
  readonly path: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/** The state of an aggregate at one version, beside that at another. */
export interface StateAt {
  readonly version: string;
  readonly at?: string;
  /** Absent where the records don't tell it. */
  readonly state?: JsonValue;
  /** By the path of a value, the version that set it. */
  readonly blame: { readonly [path: string]: string };
  /** The version that it is compared with; 0 for the state before the first event. */
  readonly against: string;
  readonly changes: readonly StateChange[];
  /** The first and the last version that are stored. */
  readonly first: string;
  readonly last: string;
  readonly masked?: true;
  /** The command line that shows the same; absent where none reaches the store. */
  readonly line?: string;
  readonly cost?: Cost;
}

/** The commands of an aggregate, as forms. */
export interface CommandForms {
  readonly commands: readonly CommandForm[];
}

export interface CommandForm {
  readonly name: string;
  /** The states that it is allowed in; any when empty. */
  readonly allowedStates: readonly string[];
  /** Without the id and the actor. */
  readonly fields: readonly FormField[];
}

export interface FormField {
  /** As in the JSON of messages. */
  readonly name: string;
  /** What it takes; `json` for what has no input of its own. */
  readonly kind: "text" | "number" | "boolean" | "enum" | "json";
  /** The names of an enum's values; an empty one first where it can be left unset. */
  readonly values?: readonly string[];
  /** An example for what is written as JSON. */
  readonly example?: JsonValue;
}

/** What a command would come to. Nothing of it is stored. */
export interface Decided {
  /** Whether the hand-written rules were asked. */
  readonly hasRules: boolean;
  readonly events: readonly { readonly type: string; readonly json: JsonValue }[];
  readonly changes: readonly StateChange[];
  /** Whether fields of the state were sealed, and empty for the rules: there are no keys to open them with. */
  readonly sealed?: true;
  /** Whether nobody checked the rules of fields (`buf.validate`): a page has nothing that does. */
  readonly fieldsUnchecked?: true;
  /** Why it would be refused. */
  readonly refusal?: { readonly code: string; readonly message: string };
}

/** A part of a stream as a test of its aggregate. */
export interface CopiedTest {
  readonly text: string;
}

/** An answer that isn't the one that was asked for. */
export interface Refusal {
  readonly error: {
    /** One of the error codes of protosource-es, or `bug`. */
    readonly code: string;
    /** What is wrong, and what to do. */
    readonly message: string;
  };
}
