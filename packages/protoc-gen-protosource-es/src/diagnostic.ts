/** A mistake in a schema, where it is, and the text that tells the author. */
import type { AnyDesc } from "@bufbuild/protobuf";
import { type SourceSite, sourceSite } from "protosource-es/model";
import { type RuleId, WARNINGS } from "./rules/rule-ids.js";

/** A broken rule, and where. */
export interface Diagnostic {
  readonly rule: RuleId;
  readonly site: SourceSite;
  /** Names the offender, says what is wrong, then what to write instead. */
  readonly message: string;
}

/** A part of a descriptor in the source: `path` continues the descriptor's own, in the numbers of descriptor.proto. */
export interface Place {
  readonly desc: AnyDesc;
  readonly path: readonly number[];
}

/** Takes a broken rule down: who breaks it and how, then what to write instead unless the problem says that too. */
export type Report = (rule: RuleId, place: Place | AnyDesc, problem: string, remedy?: string) => void;

/** Makes a diagnostic. A descriptor alone stands for its name. */
export function diagnostic(rule: RuleId, place: Place | AnyDesc, message: string): Diagnostic {
  const site = "kind" in place ? sourceSite(place) : sourceSite(place.desc, place.path);
  return { rule, site, message };
}

/** Orders diagnostics as a reader meets them: by file, then from top to bottom. */
export function compareDiagnostics({ site: a }: Diagnostic, { site: b }: Diagnostic): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return lineOf(a) - lineOf(b) || columnOf(a) - columnOf(b);
}

/** Writes a diagnostic the way editors and terminals recognise: `file:line:column: message [rule]`. */
export function formatDiagnostic({ site, message, rule }: Diagnostic): string {
  return `${site.file}:${lineOf(site)}:${columnOf(site)}: ${rule in WARNINGS ? "warning: " : ""}${message} [${rule}]`;
}

function lineOf({ line }: SourceSite): number {
  return line ?? 1;
}

function columnOf({ column }: SourceSite): number {
  return column ?? 1;
}
