/** What the screen of rows is told. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { Cost, StateChange } from "./contract.js";

/** The messages that are kept in rows, and how they are found. */
export interface KeyedMessages {
  readonly messages: readonly KeyedMessage[];
}

export interface KeyedMessage {
  readonly type: string;
  readonly name: string;
  readonly indexes: readonly IndexInfo[];
}

/** The table itself, or one of its indexes. */
export interface IndexInfo {
  /** 0 for the table itself. */
  readonly index: number;
  /** All of them are given. */
  readonly partition: readonly KeyField[];
  /** The leading ones are given, and the last is compared; those behind may be left out. */
  readonly sort: readonly KeyField[];
}

/** A field of a key, as a form asks for it. */
export interface KeyField {
  readonly name: string;
  readonly kind: "text" | "integer" | "number" | "bool" | "enum" | "bytes" | "none";
  /** Of an enum, by its names. */
  readonly values?: readonly string[];
  /** Of whole numbers: the least and the greatest. */
  readonly bounds?: readonly [low: string, high: string];
  /** Whether its values are personal, and to be kept out of addresses. */
  readonly personal?: true;
  /** How a last field may be compared, as conditions write it. */
  readonly operators: readonly string[];
}

/** A page of a query. */
export interface RowPage {
  readonly rows: readonly RowSummary[];
  readonly cursor?: string;
  readonly cost?: Cost;
}

export interface RowSummary {
  readonly pk: string;
  readonly sk: string;
  /** The keys in the index that was read, where it isn't the table itself. */
  readonly indexPk?: string;
  readonly indexSk?: string;
  /** 0 where another writer left none. */
  readonly version: string;
  readonly bytes: number;
  /** The beginning of its fields. */
  readonly text: string;
}

/** One row, beside what the events of its aggregate come to. */
export interface RowDetail {
  readonly pk: string;
  readonly sk: string;
  /** The full name of its message. */
  readonly type?: string;
  readonly version: string;
  readonly bytes: number;
  /** In microseconds. */
  readonly expires?: string;
  /** By their attributes, those alone that it has. */
  readonly keys: { readonly [attribute: string]: string };
  readonly json?: JsonValue;
  readonly problem?: string;
  readonly masked?: true;
  readonly fold?: RowFold;
  readonly cost?: Cost;
}

/** A row compared with the fold of its stream. */
export interface RowFold {
  readonly streamId: string;
  /** The last version that is stored. */
  readonly version: string;
  /** How many versions the row lacks; negative where the stream ends before it. */
  readonly behind: string;
  /** From what the row says to what it should, of the fields that the events tell. */
  readonly changes: readonly StateChange[];
  /** The fields that weren't compared, since only the domain's code knows them. */
  readonly uncompared: readonly string[];
  /** The command line that writes the row anew, where that is called for and one reaches the store. */
  readonly mend?: string;
  /** Why there is nothing to compare with. */
  readonly problem?: string;
}
