/** `streams verify`: whether every stream of a table can be read, and what is wrong where one can't. */
import { isProtosourceError, Repository, type ScannedRecord } from "protosource-es";
import { type Action, type SchemaOptions, useStore } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { counted, wholeNumber } from "../format.js";
import type { OpenStore } from "../open-store.js";
import type { Output } from "../output.js";
import { createPace, type PaceOption } from "../pace.js";
import { eitherSerializer, eventType, readPayload } from "../payload.js";
import { createProgress } from "../progress.js";
import { recordPages } from "../scanning.js";
import { aggregateOf, type KnownAggregate, loadSchemas, type Schemas, streamPrefix } from "../schemas.js";

export interface VerifyOptions extends SchemaOptions, PaceOption {
  readonly segments: string;
}

/** What can be wrong. */
type ProblemKind =
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

interface Problem {
  readonly kind: ProblemKind;
  readonly streamId: string | undefined;
  readonly version: bigint | undefined;
  readonly message: string;
}

/** Every TypeScript service reads such streams. */
const WARNINGS: ReadonlySet<ProblemKind> = new Set<ProblemKind>(["no_recent_snapshot"]);

const TITLES = ["STREAM", "VERSION", "PROBLEM", "WHAT"];

export const verifyStreams: Action<VerifyOptions> = async ({ output, signal }, options) => {
  const segments = wholeNumber(options.segments, "--segments");
  const { pace, onRequest, pageSize } = await createPace(options);
  const schemas = await loadSchemas(options);
  for (const problem of schemas.problems) output.note(`warning: ${problem}`);
  return useStore(
    options,
    async (opened) => {
      const counts = { records: 0, streams: 0, problems: 0, warnings: 0 };
      const progress = createProgress(output, "records", (await opened.estimate())?.records);
      const report = async (problem: Problem): Promise<void> => {
        if (WARNINGS.has(problem.kind)) counts.warnings++;
        else counts.problems++;
        await print(output, problem);
      };
      const checks: Checks = { opened, schemas, report };
      const verifySegment = async (index: number): Promise<void> => {
        let current: ScannedRecord[] = [];
        const segment = { index, of: segments };
        for await (const page of recordPages(opened.store, { segment, limit: pageSize, signal })) {
          for (const error of page.unreadable) {
            const { version } = error.details;
            await report({ kind: "unreadable", streamId: undefined, version, message: error.rawMessage });
          }
          for (const scanned of page.records) {
            if (scanned.aggregateId !== current[0]?.aggregateId) {
              await verifyStream(checks, current);
              if (current.length > 0) counts.streams++;
              current = [];
            }
            current.push(scanned);
          }
          counts.records += page.records.length;
          progress(counts.records, `${counts.problems} problems`);
          await pace(signal);
        }
        await verifyStream(checks, current);
        if (current.length > 0) counts.streams++;
      };
      await Promise.all(Array.from({ length: segments }, (_, index) => verifySegment(index)));

      if (output.json) await output.value({ verified: counts });
      else {
        const { records, streams, problems, warnings } = counts;
        const found = counted(problems, "problem");
        const verdict = problems === 0 ? output.style("green", found) : output.style("red", found);
        const read = `${counted(records, "record")} in ${counted(streams, "stream")}`;
        await output.line(`${read}: ${verdict}, ${counted(warnings, "warning")}`);
        if (schemas.aggregates.length === 0) output.note("What the events hold was not checked: add --descriptors.");
      }
      return counts.problems === 0 ? EXIT.ok : EXIT.found;
    },
    { onRequest },
  );
};

interface Checks {
  readonly opened: OpenStore;
  readonly schemas: Schemas;
  readonly report: (problem: Problem) => Promise<void>;
}

async function verifyStream(checks: Checks, found: readonly ScannedRecord[]): Promise<void> {
  const [first] = found;
  if (first === undefined) return;
  const known = aggregateOf(checks.schemas, first.aggregateId);
  await verifyOrder(checks, found);
  const areReadable = await verifyPayloads(checks, found, known);
  if (known && areReadable) await verifyBase(checks, found, known);
}

/** A scan may meet a transaction half done, and records that expire: the store's own load decides. */
async function verifyOrder({ opened, report }: Checks, found: readonly ScannedRecord[]): Promise<void> {
  const streamId = found[0]?.aggregateId ?? "";
  const follows = found.every(
    ({ record }, i) => i === 0 || record.version === (found[i - 1]?.record.version ?? 0n) + 1n,
  );
  if (follows && found.at(-1)?.following === 0) return;
  try {
    await opened.store.load(streamId);
  } catch (error) {
    if (!isProtosourceError(error, "corrupt_stream")) throw error;
    const { problem, version } = error.details;
    await report({ kind: problem, streamId, version, message: error.rawMessage });
  }
}

/** Tells whether all events can be read. */
async function verifyPayloads(
  { schemas, report }: Checks,
  found: readonly ScannedRecord[],
  known: KnownAggregate | undefined,
): Promise<boolean> {
  let areReadable = true;
  for (const { aggregateId: streamId, record } of found) {
    const { version } = record;
    const { typeName, event, problem } = readPayload(streamId, record, schemas.registry);
    const isJudged = schemas.aggregates.length > 0 || typeName === undefined;
    if (problem && isJudged) {
      areReadable = false;
      await report({ kind: problem.kind, streamId, version, message: problem.message });
    }
    if (event === undefined) continue;
    if (known && event.schema.file !== known.definition.schema.file) {
      areReadable = false;
      const message = `version ${version} of ${streamId} is a ${typeName}, which the aggregate doesn't know`;
      await report({ kind: "unknown_type", streamId, version, message });
    }
    const envelope = event.message as { readonly id?: unknown; readonly version?: unknown };
    const id = streamId.slice(known ? streamPrefix(known.definition).length : streamId.indexOf("#") + 1);
    if (envelope.id !== id || envelope.version !== version) {
      const message = `version ${version} of ${streamId} holds an event of ${envelope.id} at version ${envelope.version}`;
      await report({ kind: "misplaced", streamId, version, message });
    }
  }
  return areReadable;
}

async function verifyBase(
  { opened, report }: Checks,
  found: readonly ScannedRecord[],
  { definition }: KnownAggregate,
): Promise<void> {
  const streamId = found[0]?.aggregateId ?? "";
  const now = BigInt(Math.floor(Date.now() / 1000));
  const alive = found.filter(({ record }) => record.ttl <= 0n || record.ttl > now);
  const firstVersion = alive[0]?.record.version;
  if (firstVersion === undefined) return;
  if (firstVersion > 1n) {
    const repository = new Repository(definition, opened.store, { serializer: eitherSerializer });
    try {
      await repository.load(streamId.slice(streamPrefix(definition).length));
    } catch (error) {
      if (!isProtosourceError(error, "not_found") && !isProtosourceError(error, "corrupt_stream")) throw error;
      const message = `${streamId} begins at version ${firstVersion}, with neither a creation nor a snapshot to start from`;
      await report({ kind: "no_base", streamId, version: firstVersion, message });
      return;
    }
  }
  const [snapshot] = definition.model.snapshots;
  const interval = snapshot?.interval ?? 0;
  if (snapshot === undefined || interval === 0 || found.length <= interval) return;
  const tail = found.slice(-interval);
  if (tail.some(({ record }) => eventType(record) === snapshot.schema.typeName)) return;
  const message = `${streamId} has no snapshot among its last ${interval} records, which is all that a Go service reads`;
  await report({ kind: "no_recent_snapshot", streamId, version: found.at(-1)?.record.version, message });
}

async function print(output: Output, { kind, streamId, version, message }: Problem): Promise<void> {
  if (output.json) {
    const severity = WARNINGS.has(kind) ? "warning" : "error";
    await output.value({ problem: kind, severity, stream: streamId, version, message });
  } else {
    await output.table(TITLES, [[streamId ?? "", version?.toString() ?? "", kind, message]]);
  }
}
