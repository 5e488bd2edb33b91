/** Reading stored streams with two schemas, to see whether they come to the same. */
import type { Message } from "@bufbuild/protobuf";
import { isProtosourceError, type ScannedRecord, upcast } from "protosource-es";
import { readPayload } from "./payload.js";
import { aggregateOf, type KnownAggregate, type Schemas } from "./schemas.js";
import { type StateDifference, stateDifference } from "./state-difference.js";
import { followState } from "./state-follower.js";

/** Where a stream doesn't come to the same. */
export interface ReplayDifference {
  readonly kind: "no_aggregate" | "unknown_type" | "undecodable" | "other_state";
  readonly streamId: string;
  readonly version: bigint;
  /** What is different, in words. */
  readonly message: string;
  /** The field that is another in the state after this version. */
  readonly state?: StateDifference | undefined;
}

/** What a stream came to. */
export interface StreamReplay {
  /** The full names of the types of its events. */
  readonly types: readonly string[];
  /** How many of its records the old schema can't read either. They tell nothing. */
  readonly unreadable: number;
  /** The first one. */
  readonly difference: ReplayDifference | undefined;
}

/** An aggregate of one of the schemas, and how its records are read. */
interface Reader {
  readonly schemas: Schemas;
  readonly known: KnownAggregate;
}

/**
 * Reads all records of a stream with both schemas; undefined for a stream that the old one has no aggregate for. States
 * are compared from the first version on, or from the first snapshot where the beginning is gone.
 *
 * Throws `invalid_argument` when the domain's own code fails.
 */
export function replayStream(
  records: readonly ScannedRecord[],
  wasSchemas: Schemas,
  nowSchemas: Schemas,
): StreamReplay | undefined {
  const streamId = records[0]?.aggregateId ?? "";
  const [known, successor] = [wasSchemas, nowSchemas].map((schemas) => aggregateOf(schemas, streamId));
  if (known === undefined) return undefined;
  const was = { schemas: wasSchemas, known };
  const types = records.flatMap((record) => readEvent(was, record).event?.$typeName ?? []);
  const result = { types, unreadable: records.length - types.length };
  if (successor === undefined) {
    const message = `the new schema has no aggregate for ${streamId}`;
    const version = records[0]?.record.version ?? 0n;
    return { ...result, difference: { kind: "no_aggregate", streamId, version, message } };
  }
  return { ...result, difference: firstDifference(records, was, { schemas: nowSchemas, known: successor }) };
}

/** To compare each state costs its size each time: it is looked at where snapshots hide what was before, then closer. */
function firstDifference(records: readonly ScannedRecord[], was: Reader, now: Reader): ReplayDifference | undefined {
  const snapshots = new Set(was.known.definition.model.snapshots.map(({ schema }) => schema.typeName));
  const isSnapshot = (record: ScannedRecord | undefined): boolean =>
    record !== undefined && snapshots.has(readEvent(was, record).event?.$typeName ?? "");
  const found = compareStates(
    records,
    was,
    now,
    (i) => i === records.length - 1 || isSnapshot(records[i]) || isSnapshot(records[i + 1]),
  );
  const upTo = records.findIndex(({ record }) => record.version === found?.version) + 1;
  return found && (compareStates(records.slice(0, upTo), was, now, () => true) ?? found);
}

function compareStates(
  records: readonly ScannedRecord[],
  was: Reader,
  now: Reader,
  isCompared: (index: number) => boolean,
): ReplayDifference | undefined {
  const [before, after] = [followState(was.known), followState(now.known)];
  for (const [i, scanned] of records.entries()) {
    const { aggregateId: streamId, record } = scanned;
    const { version } = record;
    const read = readEvent(was, scanned);
    const other = readEvent(now, scanned);
    if (read.event && other.problem) return { ...other.problem, streamId, version };
    before.next(record, read.event);
    after.next(record, read.event && other.event);
    const [state, another] = [before.state(), after.state()];
    if (!isCompared(i) || state === undefined) continue;
    if (another === undefined) {
      const message = `the new schema comes to no state after version ${version} of ${streamId}`;
      return { kind: "other_state", streamId, version, message };
    }
    const difference = stateDifference(
      { schema: was.known.definition.schema, message: state },
      { schema: now.known.definition.schema, message: another },
    );
    if (difference === undefined) continue;
    const { field, was: value, now: otherValue } = difference;
    const message = `after version ${version} of ${streamId} ${field} is ${otherValue} instead of ${value}`;
    return { kind: "other_state", streamId, version, message, state: difference };
  }
  return undefined;
}

/** Reads the event of a record, if it is one of the aggregate's. */
function readEvent(
  { schemas, known }: Reader,
  { aggregateId, record }: ScannedRecord,
): { readonly event?: Message; readonly problem?: Pick<ReplayDifference, "kind" | "message"> } {
  const { event, problem } = readPayload(aggregateId, record, schemas);
  if (problem) return { problem };
  if (event === undefined) return {};
  const { model } = known.definition;
  const types = [...model.events, ...model.retired, ...model.snapshots].map(({ schema }) => schema.typeName);
  if (types.includes(event.message.$typeName)) return readAs(known.definition, event.message);
  const message = `version ${record.version} of ${aggregateId} is a ${event.message.$typeName}, which the aggregate doesn't know`;
  return { problem: { kind: "unknown_type", message } };
}

/** Reads an event as a load does. */
function readAs(definition: KnownAggregate["definition"], event: Message): ReturnType<typeof readEvent> {
  try {
    return { event: upcast(definition, event) };
  } catch (error) {
    if (!isProtosourceError(error)) throw error;
    return { problem: { kind: "undecodable", message: error.rawMessage } };
  }
}
