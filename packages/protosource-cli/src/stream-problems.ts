/** What can be wrong with a stream, and how it is found. */
import {
  isProtosourceError,
  isTombstone,
  type ProtosourceError,
  Repository,
  type ScannedRecord,
  type Store,
} from "protosource-es";
import type { Output } from "./output.js";
import { readPayload } from "./payload.js";
import { retirementOf } from "./retirement.js";
import { aggregateOf, type KnownAggregate, type Schemas, streamPrefix } from "./schemas.js";

/** What can be wrong. */
export type ProblemKind =
  /** An item of the table is no record. */
  | "unreadable"
  /** A version is missing, occurs twice, or a save is there in part. */
  | "gap"
  | "overlap"
  | "torn"
  /** The data of a record is damaged. */
  | "undecodable"
  /** The descriptors, or the aggregate, have no event of this type. */
  | "unknown_type"
  /** The event says that it is of another stream, or version. */
  | "misplaced"
  /** Nothing is left to compute the state from. */
  | "no_base"
  /** A Go service reads as many records as lie between snapshots, and finds none among them. */
  | "no_recent_snapshot";

/** One thing that is wrong, in words, and where. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly streamId: string | undefined;
  readonly version: bigint | undefined;
  readonly message: string;
}

/** Every TypeScript service reads such streams. */
const WARNINGS: ReadonlySet<ProblemKind> = new Set<ProblemKind>(["no_recent_snapshot"]);

const TITLES = ["STREAM", "VERSION", "PROBLEM", "WHAT"];

/** Tells whether a problem is one for some readers only. */
export function isWarning({ kind }: Problem): boolean {
  return WARNINGS.has(kind);
}

/** Tells whether a record still counts. */
export function isAlive({ record }: ScannedRecord): boolean {
  return record.ttl <= 0n || record.ttl > BigInt(Math.floor(Date.now() / 1000));
}

/** Gives the problem of an item that a scan couldn't read. */
export function unreadable(
  { rawMessage: message, details: { version } }: ProtosourceError<"corrupt_record">,
  streamId: string | undefined,
): Problem {
  return { kind: "unreadable", streamId, version, message };
}

/** Prints problems, under the same titles as earlier ones. */
export async function printProblems(output: Output, problems: readonly Problem[]): Promise<void> {
  if (!output.json) {
    const rows = problems.map(({ streamId, version, kind, message }) => [
      streamId ?? "",
      version?.toString() ?? "",
      kind,
      message,
    ]);
    if (rows.length > 0) await output.table(TITLES, rows);
    return;
  }
  for (const problem of problems) {
    const { kind, streamId, version, message } = problem;
    const severity = isWarning(problem) ? "warning" : "error";
    await output.value({ problem: kind, severity, stream: streamId, version, message });
  }
}

/** Finds what is wrong with a stream of which a scan found these records, all of them. */
export async function findProblems(
  store: Store,
  schemas: Schemas,
  found: readonly ScannedRecord[],
): Promise<readonly Problem[]> {
  const [first] = found;
  const last = found.at(-1);
  // Of a deleted aggregate nothing is read any more, however far the deletion has come.
  if (first === undefined || (last !== undefined && isTombstone(last.record))) return [];
  const known = aggregateOf(schemas, first.aggregateId);
  const inOrder = await orderProblems(store, found);
  const inPayloads = payloadProblems(schemas, found, known);
  const isReadable = inOrder?.length === 0 && inPayloads.every(({ kind }) => kind === "misplaced");
  const inBase = known && isReadable ? await baseProblems(store, schemas, found, known) : [];
  return [...(inOrder ?? []), ...inPayloads, ...inBase];
}

/**
 * Gives what is wrong with the order of versions; undefined when an item hides it that is no record. A scan may meet a
 * transaction half done, and records that expire: the store's own load decides.
 */
async function orderProblems(store: Store, found: readonly ScannedRecord[]): Promise<readonly Problem[] | undefined> {
  const streamId = found[0]?.aggregateId ?? "";
  const follows = found.every(
    ({ record }, i) => i === 0 || record.version === (found[i - 1]?.record.version ?? 0n) + 1n,
  );
  if (follows && found.at(-1)?.following === 0) return [];
  try {
    await store.load(streamId);
    return [];
  } catch (error) {
    if (isProtosourceError(error, "corrupt_record")) return undefined;
    if (!isProtosourceError(error, "corrupt_stream")) throw error;
    const { problem, version } = error.details;
    return [{ kind: problem, streamId, version, message: error.rawMessage }];
  }
}

function payloadProblems(
  schemas: Schemas,
  found: readonly ScannedRecord[],
  known: KnownAggregate | undefined,
): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { aggregateId: streamId, record } of found) {
    const { version } = record;
    const add = (kind: ProblemKind, message: string): void => {
      problems.push({ kind, streamId, version, message });
    };
    const { typeName, event, problem } = readPayload(streamId, record, schemas);
    const isJudged = schemas.aggregates.length > 0 || typeName === undefined;
    if (problem && isJudged) add(problem.kind, problem.message);
    if (event === undefined) continue;
    const retirement = retirementOf(known, event.message, schemas.registry);
    if (retirement?.problem !== undefined) add("undecodable", retirement.problem);
    if (known && event.schema.file !== known.definition.schema.file) {
      add("unknown_type", `version ${version} of ${streamId} is a ${typeName}, which the aggregate doesn't know`);
    }
    const envelope = event.message as { readonly id?: unknown; readonly version?: unknown };
    const id = streamId.slice(known ? streamPrefix(known.definition).length : streamId.indexOf("#") + 1);
    if (envelope.id !== id || envelope.version !== version) {
      const holds = `an event of ${envelope.id} at version ${envelope.version}`;
      add("misplaced", `version ${version} of ${streamId} holds ${holds}`);
    }
  }
  return problems;
}

async function baseProblems(
  store: Store,
  schemas: Schemas,
  found: readonly ScannedRecord[],
  { definition }: KnownAggregate,
): Promise<readonly Problem[]> {
  const streamId = found[0]?.aggregateId ?? "";
  const firstVersion = found.find(isAlive)?.record.version;
  if (firstVersion === undefined) return [];
  if (firstVersion > 1n) {
    const repository = new Repository(definition, store, { serializer: schemas.serializer });
    try {
      await repository.load(streamId.slice(streamPrefix(definition).length));
    } catch (error) {
      // What a retired event means may not be known here.
      if (isProtosourceError(error, "corrupt_record") && error.details.typeName !== undefined) return [];
      if (!isProtosourceError(error, "not_found") && !isProtosourceError(error, "corrupt_stream")) throw error;
      const message = `${streamId} begins at version ${firstVersion}, with neither a creation nor a snapshot to start from`;
      return [{ kind: "no_base", streamId, version: firstVersion, message }];
    }
  }
  const [snapshot] = definition.model.snapshots;
  const interval = snapshot?.interval ?? 0;
  if (snapshot === undefined || interval === 0 || found.length <= interval) return [];
  const tail = found.slice(-interval);
  const typeOf = ({ record }: ScannedRecord): string | undefined => readPayload(streamId, record, schemas).typeName;
  if (tail.some((one) => typeOf(one) === snapshot.schema.typeName)) return [];
  const message = `${streamId} has no snapshot among its last ${interval} records, which is all that a Go service reads`;
  return [{ kind: "no_recent_snapshot", streamId, version: found.at(-1)?.record.version, message }];
}
