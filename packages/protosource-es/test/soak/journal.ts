/** What the workers of a soak write down before and after each write, so that a kill loses none of it. */
import { appendFileSync, openSync, readFileSync, writeSync } from "node:fs";

/** A write that is about to be sent. */
export interface Begun {
  readonly kind: "begun";
  /** Unique in the soak. It is in each of the events. */
  readonly write: string;
  /** The number of the operation among those of its worker. */
  readonly operation: number;
  /** The events that it appends to each stream. */
  readonly events: Readonly<Record<string, number>>;
}

/** What the caller of a write heard. */
export interface Heard {
  readonly kind: "heard";
  readonly write: string;
  /** `stored` is a promise, and so is `refused`: that none of it is stored. */
  readonly outcome: "stored" | "refused" | "unknown";
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

export type Entry = Begun | Heard | Wrong | Finished;

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
