/** A row beside what the events of its aggregate come to. */
import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isProtosourceError } from "protosource-es";
import { keyModel } from "protosource-es/model";
import { commandLine } from "../command-line.js";
import { derivedFields } from "../derived-fields.js";
import { isJsonObject, jsonDiff, valueIn } from "../json-diff.js";
import { type KnownAggregate, streamPrefix } from "../schemas.js";
import { MASK } from "./mask-personal.js";
import { wordsOf } from "./personal-view.js";
import type { RowFold } from "./rows-contract.js";
import { asShown } from "./shown-change.js";
import { forgetHistories, historyOf } from "./state-history.js";
import type { Studio } from "./studio.js";

/** What is read of a row. */
export interface ReadRow {
  readonly schema: DescMessage;
  readonly version: bigint;
  /** As it is shown. */
  readonly json: JsonValue | undefined;
}

/**
 * Compares a row of an aggregate or of a projection with the fold of its stream, which is read whole for it; undefined for a
 * message that is neither. Of personal fields what is shown is compared, and not what is masked or sealed.
 */
export async function foldOf(studio: Studio, row: ReadRow, signal: AbortSignal): Promise<RowFold | undefined> {
  const { schema, json, version } = row;
  const { words } = studio;
  const known = ownerOf(studio, schema);
  const id = isJsonObject(json) ? json["id"] : undefined;
  if (known === undefined || typeof id !== "string") return undefined;
  const streamId = streamPrefix(known.definition) + id;
  forgetHistories(studio, streamId);
  try {
    const history = await historyOf(studio, known, streamId, signal);
    const last = history.steps.at(-1)?.version ?? 0n;
    const state = await history.stateAfter(history.steps.length, signal);
    const uncompared = known.hasRules ? [] : derivedIn(known, schema);
    const closed = new Set([...closedIn(json, schema), ...closedIn(state, schema)]);
    const names = schema.fields
      .filter((field) => !uncompared.includes(field.name) && !closed.has(field.jsonName))
      .map(({ jsonName }) => jsonName);
    const changes = state === undefined ? [] : jsonDiff(comparable(json, names), comparable(state, names));
    const behind = version === 0n ? 0n : last - version;
    const isStale = behind > 0n || changes.length > 0;
    return {
      streamId,
      version: last.toString(),
      behind: behind.toString(),
      changes: changes.map(asShown),
      uncompared,
      ...(isStale && words ? { mend: commandLine(["rebuild", "--stream", streamId, ...words]) } : {}),
      ...(state === undefined ? { problem: "the events that are left don't tell the state: look at the stream" } : {}),
    };
  } catch (error) {
    // The domain's code fails on what happened: the row is there all the same.
    if (isProtosourceError(error, "invalid_argument")) {
      const problem = wordsOf(error, studio.personal);
      return { streamId, version: "0", behind: "0", changes: [], uncompared: [], problem };
    }
    if (!isProtosourceError(error, "not_found")) throw error;
    const problem = `there is no stream ${streamId}: find rows that were left by \`protosource aggregates prune\``;
    return { streamId, version: "0", behind: (-version).toString(), changes: [], uncompared: [], problem };
  }
}

/** Finds the aggregate whose row or projection a message is. */
function ownerOf({ schemas }: Studio, schema: DescMessage): KnownAggregate | undefined {
  const { aggregate } = keyModel(schema) ?? {};
  return schemas.aggregates.find(({ definition }) => definition.schema.typeName === aggregate?.typeName);
}

/** Names the fields of a row that only hand-written code fills, which isn't known. */
function derivedIn({ definition }: KnownAggregate, schema: DescMessage): readonly string[] {
  const names = new Set(schema.fields.map(({ name }) => name));
  return derivedFields(definition).filter((name) => names.has(name));
}

/** Names the fields of a message that are masked or sealed. */
function closedIn(json: JsonValue | undefined, { fields }: DescMessage): readonly string[] {
  if (!isJsonObject(json)) return [];
  const sealed = (json["@sealed"] ?? []) as readonly string[];
  return [...sealed, ...fields.map(({ jsonName }) => jsonName).filter((name) => valueIn(json, name) === MASK)];
}

/** Leaves of a message the fields in which a row of it and the state of its aggregate have to agree. */
function comparable(json: JsonValue | undefined, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(isJsonObject(json) ? json : {}).filter(([name]) => names.includes(name)));
}
