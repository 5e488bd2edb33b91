/** What the workers of a soak write down before and after each write, so that a kill loses none of it. */
import { appendFileSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Claim } from "protosource-es";

/** A write that is about to be sent. */
export interface Begun {
  readonly kind: "begun";
  /** Unique in the soak, save for a command with an id, which anybody may send. It is in each of the events. */
  readonly write: string;
  readonly at: number;
  /** The number of the operation among those of its worker. */
  readonly operation: number;
  /** The events that it appends to each stream. */
  readonly events: Readonly<Record<string, number>>;
  /** A stream that it reads, and the version at which that must end. */
  readonly check?: { readonly stream: string; readonly version: number } | undefined;
  /** The value that it takes or frees. */
  readonly claim?: Pick<Claim, "value" | "owner" | "release"> | undefined;
}

/** What the caller of a write heard. */
export interface Heard {
  readonly kind: "heard";
  readonly write: string;
  readonly at: number;
  /** `stored` is a promise, and so is `refused`: that none of it is stored. */
  readonly outcome: "stored" | "refused" | "unknown";
  /** What the caller of a command with an id was told. */
  readonly command?: { readonly version: number; readonly repeated: boolean } | undefined;
}

/** What somebody was told of a value's owner. */
export interface Owned {
  readonly kind: "owned";
  readonly value: string;
  /** Missing for nobody. */
  readonly owner?: string | undefined;
  readonly begun: number;
  readonly ended: number;
}

/** An acknowledged creation of an aggregate that expires. */
export interface Life {
  readonly kind: "life";
  readonly id: string;
  readonly life: string;
  readonly begun: number;
  readonly ended: number;
}

/** A read that gave what it must not, or an error that no fault explains. */
export interface Wrong {
  readonly kind: "wrong";
  readonly what: string;
}

/** How many operations were finished, by name. */
export interface Finished {
  readonly kind: "finished";
  readonly operation: number;
  readonly name: string;
  readonly outcome: string;
}

export type Entry = Begun | Heard | Owned | Life | Wrong | Finished;

/** The time in milliseconds, on a clock that the processes of a machine share and nobody sets. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Opens a journal. What it takes has reached the operating system before it returns. */
export function openJournal(path: string): (entry: Entry) => void {
  const file = openSync(path, "a");
  return (entry) => void writeSync(file, `${JSON.stringify(entry)}\n`);
}

/** Reads a journal, without a last line that a kill cut off. */
export function readJournal(path: string): Entry[] {
  appendFileSync(path, "");
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Entry);
}
