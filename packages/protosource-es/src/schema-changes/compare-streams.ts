/** What becomes of stored streams when their events, snapshots and lifetimes change. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { typeOf } from "../aggregate/fields.js";
import {
  type AggregateModel,
  type EventModel,
  type FileModel,
  fieldNamed,
  isFirst,
  unsetKeeps,
} from "../aggregate/file-model.js";
import type { CompareMessages } from "./compare-messages.js";
import { rebuildLine } from "./compare-rows.js";
import type { Note } from "./schema-change.js";

/** An event before and after, with the file that it is of. */
interface EventChange {
  readonly was: EventModel;
  readonly now: EventModel;
  readonly before: FileModel;
  readonly after: FileModel;
  readonly note: Note;
}

/** Compares what the streams of an aggregate hold, and what it means. */
export function compareStreams(was: FileModel, now: FileModel, compareMessages: CompareMessages, note: Note): void {
  const stream = { kind: "stream" } as const;
  for (const { schema } of [...was.events, ...was.retired]) {
    const same = [...now.events, ...now.retired].find((other) => other.schema.typeName === schema.typeName)?.schema;
    if (same === undefined) noteGone(schema, "an event", now, note);
    else {
      compareMessages(schema, same, stream);
      compareMeaning(schema, same, was, now, note);
    }
  }
  for (const { schema } of was.snapshots) {
    const same = now.snapshots.find((other) => other.schema.typeName === schema.typeName);
    if (same === undefined) noteGone(schema, "a snapshot", now, note);
    else compareMessages(schema, same.schema, stream);
  }
  compareIntervals(was, now, note);
  compareLifetimes(was.aggregates[0], now.aggregates[0], note);
}

function noteGone(was: DescMessage, role: "an event" | "a snapshot", now: FileModel, note: Note): void {
  const consequence = `a stream that holds one can't be loaded`;
  const still = now.file.messages.find(({ typeName }) => typeName === was.typeName);
  if (still) {
    const problem = `${was.name} isn't ${role} any more: ${consequence}`;
    note("ROLE_CHANGED", was, still, problem, `annotate it as ${role} again`);
  } else if (role === "a snapshot") {
    const remedy = 'put it back, with "disabled: true" to write no more of them';
    note("SNAPSHOT_REMOVED", was, now.file, `${was.name} is gone: ${consequence}`, remedy);
  } else {
    const renamed = now.events.find(({ schema }) => fieldsOf(schema) === fieldsOf(was))?.schema;
    const hint = renamed ? ` (${renamed.name} has its fields, but streams hold the name)` : "";
    const remedy = "put it back, and annotate it as retired where no command emits it any more";
    note("EVENT_REMOVED", was, renamed ?? now.file, `${was.name} is gone${hint}: ${consequence}`, remedy);
  }
}

function fieldsOf({ fields }: DescMessage): string {
  return fields.map((field) => `${typeOf(field)} ${field.name} = ${field.number};`).join();
}

function compareMeaning(was: DescMessage, now: DescMessage, before: FileModel, after: FileModel, note: Note): void {
  const old = before.events.find(({ schema }) => schema === was);
  const current = after.events.find(({ schema }) => schema === now);
  if (old === undefined && current !== undefined) {
    const problem = `${now.name} isn't retired any more: stored ones are folded as they are, instead of what its upcast makes of them`;
    note("EVENT_REVIVED", was, now, problem, "leave it retired, and give the new event a name of its own");
  } else if (old !== undefined && current === undefined) {
    const problem = `${now.name} is retired: its upcast says what stored ones mean`;
    note("EVENT_RETIRED", was, now, problem, "see by --replay that they come to the same state");
  } else if (old !== undefined && current !== undefined) {
    const event = { was: old, now: current, before, after, note };
    compareStates(event);
    compareCollections(event);
    compareFields(event);
    compareCreation(event);
  }
}

function compareStates({ was, now, before, after, note }: EventChange): void {
  const numberOf = ({ setsState }: EventModel, { aggregates }: FileModel): number | undefined =>
    aggregates[0]?.states?.values.find(({ name }) => name === setsState)?.number;
  if (was.setsState === now.setsState || numberOf(was, before) === numberOf(now, after)) return;
  const lead = ({ setsState }: EventModel): string => (setsState === undefined ? "no other state" : setsState);
  note(
    "SETS_STATE",
    was.schema,
    now.schema,
    `${now.schema.name} leads to ${lead(now)} instead of ${lead(was)}, and so does each that is stored`,
    "add an event that does, and retire this one",
  );
}

function compareCollections({ was, now, before, after, note }: EventChange): void {
  const [old, next] = [collectionOf(was, before), collectionOf(now, after)];
  if (old?.identity === next?.identity) return;
  note(
    "COLLECTION",
    was.schema,
    now.schema,
    `${now.schema.name} ${next?.text ?? "changes no collection"} instead of ${old ? `what it did: ${old.text}` : "setting fields"}, and so does each that is stored`,
    "add an event that does, and retire this one",
  );
}

/** What an event does to a collection: in words, and apart from names. */
function collectionOf(
  { schema, collection }: EventModel,
  { aggregates }: FileModel,
): { readonly identity: string; readonly text: string } | undefined {
  if (collection === undefined) return undefined;
  const { target: targetName, action = "changes", keyField } = collection;
  const target = aggregates[0] && fieldNamed(aggregates[0].schema, targetName);
  const keyed = action === "remove" ? schema : target?.message;
  const key = keyed && fieldNamed(keyed, keyField);
  return {
    identity: [target?.number, action, key?.number].join(),
    text: `${action === "remove" ? "removes from" : "adds to"} ${targetName} by ${keyField}`,
  };
}

function compareFields({ was, now, before, after, note }: EventChange): void {
  if (was.collection || now.collection) return;
  const [aggregate, next] = [before.aggregates[0]?.schema, after.aggregates[0]?.schema];
  if (aggregate === undefined || next === undefined) return;
  for (const field of was.schema.fields) {
    const same = now.schema.fields.find(({ number }) => number === field.number);
    if (same === undefined) continue;
    const [target, another] = [fieldNamed(aggregate, field.name), fieldNamed(next, same.name)];
    if (target === undefined && another === undefined) continue;
    const name = `${same.name} of ${now.schema.name}`;
    if (target === undefined) {
      const problem = `${name} goes into ${next.name} from now on, and so does what is stored: rows lack it`;
      note("ROW_CHANGED", field, same, problem, rebuildLine(next));
    } else if (!isSameTarget(target, another)) {
      const where = another ? `into ${another.name}` : "nowhere";
      const problem = `${name} goes ${where} instead of into ${target.name} of ${aggregate.name}, and so does what is stored`;
      note("FIELD_DESTINATION", field, same, problem, "give fields of the event and the aggregate one name, as before");
    } else if (unsetKeeps(field) !== unsetKeeps(same)) {
      const effect = unsetKeeps(same)
        ? "keeps the aggregate's instead of clearing it"
        : "clears the aggregate's instead of keeping it";
      const problem = `where ${name} is unset it ${effect}, and so does each event that is stored`;
      note("UNSET", field, same, problem, "add a field with a new number that does, or an event");
    }
  }
}

/** A field of the aggregate that is renamed together with the event's is the same, and so is one with another number. */
function isSameTarget(target: DescField, another: DescField | undefined): boolean {
  return another !== undefined && (another.number === target.number || another.name === target.name);
}

function compareCreation({ was, now, before, after, note }: EventChange): void {
  const [old, next] = [
    { creates: was.creation, begins: isFirst(was, before) },
    { creates: now.creation, begins: isFirst(now, after) },
  ];
  if (old.creates === next.creates && old.begins === next.begins) return;
  const creates = next.creates
    ? "only creation commands emit it: it sets create_at and create_by"
    : "it isn't of a creation command alone: it leaves create_at and create_by";
  const begins = next.begins ? "begins a life of its id" : "doesn't begin a life of its id";
  const effect = old.creates === next.creates ? begins : creates;
  note(
    "CREATION",
    was.schema,
    now.schema,
    `${now.schema.name} means something else, since ${effect}, and so does each that is stored`,
    "let the same commands emit it as before",
  );
}

function compareIntervals(was: FileModel, now: FileModel, note: Note): void {
  const [before, after] = [was.snapshots[0], now.snapshots[0]];
  const [old, next] = [before?.interval ?? 0, after?.interval ?? 0];
  // Go looks among so many records: where the new interval is a multiple, a snapshot of the old one lies there too.
  if (old === next || (old > 0 && next > 0 && next % old === 0)) return;
  note(
    "SNAPSHOT_INTERVAL",
    before?.schema ?? was.file,
    after?.schema ?? now.file,
    `a snapshot follows ${everyNth(next)} instead of ${everyNth(old)}, and in stored streams Go looks where none is`,
    "where Go reads these streams leave it, or choose a multiple",
  );
}

function everyNth(interval: number): string {
  return interval === 0 ? "no version" : `each ${interval} versions`;
}

function compareLifetimes(was: AggregateModel | undefined, now: AggregateModel | undefined, note: Note): void {
  if (was === undefined || now === undefined || was.ttlSeconds === now.ttlSeconds) return;
  note(
    "LIFETIME",
    was.schema,
    now.schema,
    `${now.schema.name} has event_ttl_seconds ${now.ttlSeconds} instead of ${was.ttlSeconds}: ${lifetimeEffect(was.ttlSeconds, now.ttlSeconds)}`,
    "where that is meant, let every service have the new value before any aggregate is changed",
  );
}

function lifetimeEffect(was: bigint, now: bigint): string {
  if (was === 0n) return "ids that are created from now on expire, and no other";
  if (now === 0n)
    return "an aggregate lives for ever once a command has written a snapshot, and ends as it would have without";
  if (now < was) return "an aggregate lives as long as its last record from before";
  return "an aggregate ends when its first event does, unless a snapshot comes before";
}
