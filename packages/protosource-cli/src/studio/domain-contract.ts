/** What the screen of the domain is told. */
import type { Description } from "../describe-aggregate.js";

/** What is known of the domain of one aggregate. */
export interface DomainInfo extends Description {
  readonly events: readonly DomainEvent[];
  /** The messages by role: the aggregate, its projections, what is kept of it, what is asked and what happens. */
  readonly messages: readonly MessageInfo[];
  /** What is likely a mistake, or can't be reached, in sentences. */
  readonly warnings: readonly string[];
  /** What the names of all states begin with. */
  readonly statePrefix: string;
  readonly picture: PictureInfo;
}

/** Something in a picture, by its middle. */
interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The states of an aggregate and the commands that lead from one to another, as what an SVG is made of. */
export interface PictureInfo {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** What it shows, in words. */
  readonly text: string;
  readonly states: readonly PlacedStateInfo[];
  /** The arrows, as paths of an SVG. */
  readonly paths: readonly string[];
  readonly labels: readonly (Placed & { readonly text: string })[];
}

export interface PlacedStateInfo extends Placed {
  /** Without what the names of all states begin with. */
  readonly name: string;
  /** What an aggregate is before it is made. */
  readonly isNew?: true;
  readonly isUnreached?: true;
}

export interface DomainEvent {
  readonly name: string;
  /** The state that it leads to. */
  readonly setsState?: string;
  /** The commands that emit it; none for one that others save. */
  readonly emittedBy: readonly string[];
  /** Why it is no longer emitted. */
  readonly retired?: string;
}

export interface MessageInfo {
  readonly name: string;
  readonly role: "aggregate" | "projection" | "snapshot" | "command" | "event";
  /** The first line of its comment, where the descriptors hold comments. */
  readonly comment?: string;
  readonly fields: readonly FieldInfo[];
  /** What its fields have to keep together, by buf.validate. */
  readonly rules: readonly string[];
}

export interface FieldInfo {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  /** The keys that it is part of, such as `gsi1pk`. */
  readonly keys: readonly string[];
  /** The field that names the person whose it is. */
  readonly personal?: string;
  /** Whether only hand-written code sets it. */
  readonly derived?: true;
  /** What it has to keep, by buf.validate. */
  readonly rules: readonly string[];
}
