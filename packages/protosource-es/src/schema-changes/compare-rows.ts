/** What becomes of stored rows when their messages and keys change. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { typeOf } from "../aggregate/fields.js";
import { type FileModel, fieldNamed } from "../aggregate/file-model.js";
import { GSI_NUMBERS, indexAttributes, type KeyAttribute } from "../opaquedata/key-attribute.js";
import { type KeyPart, type KeyTemplate, keyModel } from "../opaquedata/key-model.js";
import { subjectName } from "../personal/personal-plan.js";
import type { CompareMessages } from "./compare-messages.js";
import type { Note } from "./schema-change.js";

/** What a read model over several aggregates needs, whose rows no rebuild makes. */
const NEW_VERSION = "give the read model a higher version, let it catch up, and promote it";

/** What makes the rows of an aggregate and its projections anew. */
export function rebuildLine({ name }: DescMessage): string {
  return `run protosource rebuild --only ${name} --domain … --store …`;
}

/** Compares the rows of an aggregate and its projections. */
export function compareAggregateRows(
  was: FileModel,
  now: FileModel,
  compareMessages: CompareMessages,
  note: Note,
): void {
  const [before, after] = [was.aggregates[0]?.schema, now.aggregates[0]?.schema];
  if (before === undefined || after === undefined) return;
  const remedy = rebuildLine(after);
  const compareRow = (row: DescMessage, same: DescMessage): void => {
    compareMessages(row, same, { kind: "row", remedy });
    compareKeys(row, same, remedy, note);
  };
  compareRow(before, after);
  const known = new Map(was.projections.map(({ schema }) => [schema.typeName, schema]));
  for (const { schema } of now.projections) {
    const old = known.get(schema.typeName);
    known.delete(schema.typeName);
    if (old === undefined) {
      note("ROW_CHANGED", before, schema, `${schema.name} is new: what is stored has no row of it`, remedy);
    } else {
      compareRow(old, schema);
      compareSources({ row: old, aggregate: before }, { row: schema, aggregate: after }, remedy, note);
    }
  }
  for (const gone of known.values()) {
    const take = "take them away by protosource aggregates prune --backup …";
    note("ROW_REMOVED", gone, now.file, `${gone.name} is gone, and its rows stay as they are`, take);
  }
}

/** Compares the rows that no aggregate has: messages with keys of their own, as read models have. */
export function compareOtherRows(
  was: readonly FileModel[],
  now: readonly FileModel[],
  compareMessages: CompareMessages,
  note: Note,
): void {
  const rows = new Map(now.flatMap(otherRows).map((schema) => [schema.typeName, schema]));
  for (const row of was.flatMap(otherRows)) {
    const same = rows.get(row.typeName);
    if (same === undefined) {
      const remedy = "drop the version of the read model that has them by protosource subscriptions drop";
      note("ROW_REMOVED", row, undefined, `${row.name} is gone, or has no keys, and its rows stay as they are`, remedy);
    } else {
      compareMessages(row, same, { kind: "row", remedy: NEW_VERSION });
      compareKeys(row, same, NEW_VERSION, note);
    }
  }
}

function otherRows({ file }: FileModel): readonly DescMessage[] {
  return [...nestedTypes(file)].flatMap((type) =>
    type.kind === "message" && keyModel(type)?.role === "other" ? [type] : [],
  );
}

interface Projected {
  readonly row: DescMessage;
  readonly aggregate: DescMessage;
}

/** A projection's fields are the aggregate's of the same names. */
function compareSources(was: Projected, now: Projected, remedy: string, note: Note): void {
  for (const field of now.row.fields) {
    const old = was.row.fields.find(({ number }) => number === field.number);
    const name = `${field.name} of ${now.row.name}`;
    if (old === undefined) {
      note("ROW_CHANGED", was.row, field, `${name} is new, and empty in the rows that are stored`, remedy);
    } else if (sourceOf(old, was) !== sourceOf(field, now)) {
      note("ROW_CHANGED", old, field, `${name} is another field of ${now.aggregate.name}`, remedy);
    }
  }
}

function sourceOf({ name }: DescField, { aggregate }: Projected): number | undefined {
  return fieldNamed(aggregate, name)?.number;
}

function compareKeys(was: DescMessage, now: DescMessage, remedy: string, note: Note): void {
  const [before, after] = [keyModel(was), keyModel(now)];
  if (before === undefined || after === undefined) return;
  const differ = (...keys: readonly KeyAttribute[]): boolean =>
    keys.some((key) => !isSpelledSo(before.templates.get(key), after.templates.get(key)));
  if (before.fixedSortKey !== after.fixedSortKey || differ("pk", "sk")) {
    const problem = `the rows of ${now.name} have other keys: stored ones stay under theirs, where nothing looks for them`;
    note("KEY_CHANGED", was, now, problem, `${remedy}, then protosource aggregates prune --backup …`);
  }
  for (const index of GSI_NUMBERS) {
    const [partition, sort] = indexAttributes(index);
    if (!differ(partition, sort)) continue;
    const [had, has] = [before, after].map(({ templates }) => templates.has(partition));
    const kept = had ? "stored rows are in it as they were" : "stored rows aren't in it";
    note("INDEX_CHANGED", was, now, `index ${index} of ${now.name} is ${has ? "another" : "gone"}: ${kept}`, remedy);
  }
}

/** Tells whether a key is spelled as before, and belongs to the same rows. */
function isSpelledSo(was: KeyTemplate | undefined, now: KeyTemplate | undefined): boolean {
  if (was === undefined || now === undefined) return was === now;
  return spellingOf(was) === spellingOf(now) && was.parts.every((part, i) => keepsNames(part, now.parts[i]));
}

function spellingOf({ prefix, parts, needs }: KeyTemplate): string {
  const values = parts.map(({ label, isOrdered, field }) => {
    const width = isOrdered ? `in the width of ${typeOf(field)}` : "";
    return `${label}${width}${subjectName(field) === undefined ? "" : "blind"}`;
  });
  return [prefix, ...values, ...needs.map(({ name }) => ` needs ${name}`)].join("");
}

/** Keys hold the names of an enum's values, unless they sort as numbers. New names harm nothing. */
function keepsNames({ field, isOrdered }: KeyPart, now: KeyPart | undefined): boolean {
  const names = now?.field.enum?.values.map(({ name }) => name) ?? [];
  return isOrdered || field.enum === undefined || field.enum.values.every(({ name }) => names.includes(name));
}
