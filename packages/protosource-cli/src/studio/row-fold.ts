/** A row beside what the events of its aggregate come to. */
import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isProtosourceError } from "protosource-es";
import { keyModel } from "protosource-es/model";
import { commandLine } from "../command-line.js";
import { derivedFields } from "../derived-fields.js";
import { isJsonObject, jsonDiff } from "../json-diff.js";
import { type KnownAggregate, streamPrefix } from "../schemas.js";
import type { RowFold } from "./rows-contract.js";
import { asShown } from "./shown-change.js";
import { forgetHistories, historyOf } from "./state-history.js";
import type { Studio } from "./studio.js";

/** What is read of a row. */
export interface ReadRow {
  readonly schema: DescMessage;
  readonly version: bigint;
  /** With personal fields masked. */
  readonly json: JsonValue | undefined;
}

/**
 * Compares a row of an aggregate or of a projection with the fold of its stream, which is read whole for it; undefined for a
 * message that is neither. What personal fields hold isn't compared.
 */
export async function foldOf(studio: Studio, row: ReadRow, signal: AbortSignal): Promise<RowFold | undefined> {
  const { schema, json, version } = row;
  const known = ownerOf(studio, schema);
  const id = isJsonObject(json) ? json["id"] : undefined;
  if (known === undefined || typeof id !== "string") return undefined;
  const streamId = streamPrefix(known.definition) + id;
  forgetHistories(studio, streamId);
  try {
    const history = await historyOf(studio, known, streamId, undefined, signal);
    const last = history.steps.at(-1)?.version ?? 0n;
    const state = history.stateAfter(history.steps.length);
    const uncompared = known.hasRules ? [] : derivedIn(known, schema);
    const changes =
      state === undefined ? [] : jsonDiff(comparable(json, schema, uncompared), comparable(state, schema, uncompared));
    const behind = version === 0n ? 0n : last - version;
    return {
      streamId,
      version: last.toString(),
      behind: behind.toString(),
      changes: changes.map(asShown),
      uncompared,
      ...(behind > 0n || changes.length > 0 ? { mend: mendLine(studio, streamId) } : {}),
      ...(state === undefined ? { problem: "the events that are left don't tell the state: look at the stream" } : {}),
    };
  } catch (error) {
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

/** Leaves of a message the fields that a row of it and the state of its aggregate have to agree in. */
function comparable(json: JsonValue | undefined, schema: DescMessage, uncompared: readonly string[]): JsonObject {
  const names = new Set(schema.fields.filter(({ name }) => !uncompared.includes(name)).map((field) => field.jsonName));
  return Object.fromEntries(Object.entries(isJsonObject(json) ? json : {}).filter(([name]) => names.has(name)));
}

function mendLine({ words = ["--store", "…"] }: Studio, streamId: string): string {
  return commandLine(["rebuild", "--stream", streamId, ...words]);
}
