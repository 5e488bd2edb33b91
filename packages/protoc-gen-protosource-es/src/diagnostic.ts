/** A mistake in a schema, where it is, and the text that tells the author. */
import type { AnyDesc } from "@bufbuild/protobuf";
import { FieldDescriptorProtoSchema, type SourceCodeInfo_Location } from "@bufbuild/protobuf/wkt";
import { getComments } from "@bufbuild/protoplugin";
import { type RuleId, WARNINGS } from "./rules/rule-ids.js";

/** A broken rule, at a line and a column that both count from 1. */
export interface Diagnostic {
  readonly rule: RuleId;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Names the offender, says what is wrong, then what to write instead. */
  readonly message: string;
}

/**
 * A part of a descriptor in the source: `path` continues the descriptor's own, in the numbers of descriptor.proto.
 * The compilers don't record every part, so the nearest one around it that they did record counts.
 */
export interface Place {
  readonly desc: AnyDesc;
  readonly path: readonly number[];
}

/** Takes a broken rule down: who breaks it and how, then what to write instead unless the problem says that too. */
export type Report = (rule: RuleId, place: Place | AnyDesc, problem: string, remedy?: string) => void;

/** Makes a diagnostic. A descriptor alone stands for its name. */
export function diagnostic(rule: RuleId, place: Place | AnyDesc, message: string): Diagnostic {
  const { desc, path } = "kind" in place ? { desc: place, path: namePath(place) } : place;
  const file = desc.kind === "file" ? desc : "file" in desc ? desc.file : desc.parent.file;
  const ownPath = desc.kind === "file" ? [] : getComments(desc).sourcePath;
  const location = nearest(file.proto.sourceCodeInfo?.location ?? [], [...ownPath, ...path]);
  return {
    rule,
    file: file.proto.name,
    line: (location?.span[0] ?? 0) + 1,
    column: (location?.span[1] ?? 0) + 1,
    message,
  };
}

/** Orders diagnostics as a reader meets them: by file, then from top to bottom. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

/** Writes a diagnostic the way editors and terminals recognise: `file:line:column: message [rule]`. */
export function formatDiagnostic({ file, line, column, message, rule }: Diagnostic): string {
  return `${file}:${line}:${column}: ${rule in WARNINGS ? "warning: " : ""}${message} [${rule}]`;
}

/** `name` has the number 1 in the descriptor of everything but a file. */
function namePath(desc: AnyDesc): readonly number[] {
  return desc.kind === "file" ? [] : [FieldDescriptorProtoSchema.field.name.number];
}

function nearest(
  locations: readonly SourceCodeInfo_Location[],
  path: readonly number[],
): SourceCodeInfo_Location | undefined {
  let found: SourceCodeInfo_Location | undefined;
  for (const location of locations) {
    if (location.path.length <= path.length && location.path.length > (found?.path.length ?? -1)) {
      if (location.path.every((number, i) => number === path[i])) found = location;
    }
  }
  return found;
}
