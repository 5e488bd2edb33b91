/** Around all steps: what an observer learns of a call. */
import type { Setup } from "./setup.js";

/** One call of a repository. What comes of it is known once it has ended. */
export interface ObservedOperation {
  readonly operation: "apply" | "applyAll" | "plan" | "load" | "loadMany" | "exists" | "history" | "save" | "delete";
  /** The full name of the aggregate's message. */
  readonly aggregateType: string;
  /** The full names of the commands' messages. */
  readonly commands: readonly string[];
  /** How many events were stored, without snapshots. */
  readonly events: number;
  /** How often the commands were decided: again where somebody else was first, or the state may have been stale. */
  readonly decisions: number;
  /** How often the save of a command found that somebody else was first. */
  readonly conflicts: number;
  /** Whether the cache held the aggregate; undefined where it wasn't asked. */
  readonly cache: "hit" | "miss" | undefined;
  /**
   * How many events made the state that was loaded last: those behind its snapshot, or all where it has none. Undefined
   * where none was loaded.
   */
  readonly replayed: number | undefined;
  /** How many rows were not written after their events: they are older than these, or missing. */
  readonly rowsFailed: number;
  readonly skipped: boolean;
  readonly repeated: boolean;
}

/** Runs a call of a repository, once, and answers or fails as it does. */
export type ObserveOperation = <R>(operation: ObservedOperation, run: () => Promise<R>) => Promise<R>;

/** What is known of a call so far. */
export type OperationFacts = { -readonly [K in keyof ObservedOperation]: ObservedOperation[K] };

/** Begins the facts of a call. */
function operationFacts(operation: ObservedOperation["operation"], aggregateType: string): OperationFacts {
  return {
    operation,
    aggregateType,
    commands: [],
    events: 0,
    decisions: 0,
    conflicts: 0,
    cache: undefined,
    replayed: undefined,
    rowsFailed: 0,
    skipped: false,
    repeated: false,
  };
}

/** What each step of a call is given. */
export interface Call {
  readonly signal: AbortSignal | undefined;
  /** What the observer is told. */
  readonly facts: OperationFacts;
}

/** Runs a call within the observer of a repository, who sees its facts. */
export function observed<R>(
  { definition, options: { observe } }: Setup,
  operation: ObservedOperation["operation"],
  signal: AbortSignal | undefined,
  run: (call: Call) => Promise<R>,
): Promise<R> {
  const facts = operationFacts(operation, definition.schema.typeName);
  const work = (): Promise<R> => run({ signal, facts });
  return observe === undefined ? work() : observe(facts, work);
}
