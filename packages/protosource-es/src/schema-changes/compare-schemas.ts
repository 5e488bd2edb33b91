/** Comparing two schemas of a domain: what becomes of what is stored. */
import type { DescFile } from "@bufbuild/protobuf";
import { type FileModel, fileModel } from "../aggregate/file-model.js";
import { createCompareMessages } from "./compare-messages.js";
import { compareAggregateRows, compareOtherRows } from "./compare-rows.js";
import { compareStreams } from "./compare-streams.js";
import { collectChanges, type Note, type SchemaChange, SEVERITIES } from "./schema-change.js";

/**
 * Compares the schema that is in use with the one that is to be, and gives what matters to what is stored, the gravest
 * first. Each is all its files, in any order, with what they import. What may be added at any time isn't among the
 * changes: commands, events, fields, states.
 *
 * It goes by annotations and types alone. What hand-written code does, a replay of stored streams tells.
 */
export function compareSchemas(was: Iterable<DescFile>, now: Iterable<DescFile>): readonly SchemaChange[] {
  const { note, changes } = collectChanges();
  const [before, after] = [Array.from(was, fileModel), Array.from(now, fileModel)];
  const domains = before.flatMap((model) => {
    const same = model.aggregates.length > 0 ? successorOf(model, after, note) : undefined;
    return same === undefined ? [] : [{ was: model, now: same }];
  });
  const compareMessages = createCompareMessages(note);
  for (const domain of domains) compareStreams(domain.was, domain.now, compareMessages, note);
  for (const domain of domains) compareAggregateRows(domain.was, domain.now, compareMessages, note);
  compareOtherRows(before, after, compareMessages, note);
  return changes.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

/** Finds the file that an aggregate's streams belong to now: the one with its package, which their keys begin with. */
function successorOf(model: FileModel, candidates: readonly FileModel[], note: Note): FileModel | undefined {
  const { schema } = model.aggregates[0] as FileModel["aggregates"][number];
  const hasPackage = ({ file }: FileModel): boolean => file.proto.package === model.file.proto.package;
  const withAggregate = candidates.filter(({ aggregates }) => aggregates.length > 0);
  const same = withAggregate.find(hasPackage);
  if (same) return same;
  const streams = `the streams of ${schema.name}`;
  const still = candidates.flatMap(({ file }) => file.messages).find(({ typeName }) => typeName === schema.typeName);
  const moved = withAggregate.find(({ aggregates }) => aggregates[0]?.schema.name === schema.name)?.file;
  if (still) {
    const problem = `${schema.name} isn't an aggregate any more, and nothing loads its streams`;
    note("ROLE_CHANGED", schema, still, problem, "annotate it as an aggregate again");
  } else if (moved) {
    const { package: own } = model.file.proto;
    const problem = `the package of ${schema.name} is ${moved.proto.package} instead of ${own}, with which ${streams} and the names of its events begin`;
    note("PACKAGE_CHANGED", model.file, moved, problem, `write "package ${own};"`);
  } else {
    const remedy = "leave it, or be sure that nothing of it is stored";
    note("AGGREGATE_REMOVED", schema, undefined, `${schema.name} is gone, and nothing loads its streams`, remedy);
  }
  return undefined;
}
