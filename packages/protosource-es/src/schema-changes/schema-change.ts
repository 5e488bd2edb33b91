/** What a change of a schema means for what is stored. */
import type { AnyDesc } from "@bufbuild/protobuf";
import { type SourceSite, sourceSite } from "./source-site.js";

/**
 * Every kind of change that matters to what is stored, by what it comes to, the gravest first. An id is stable: a
 * program, a note or a search may name it.
 */
export const SCHEMA_CHANGES = {
  /** Stored events can't be read, or lose what they hold. */
  breaks: {
    PACKAGE_CHANGED: "The package begins the key of every stream and row, and the name of every event.",
    AGGREGATE_REMOVED: "An aggregate is gone, and its streams are what nothing loads.",
    ROLE_CHANGED: "A message that streams hold isn't an event, a snapshot or an aggregate any more.",
    EVENT_REMOVED: "An event is gone: a stream that holds one can't be loaded.",
    SNAPSHOT_REMOVED: "The snapshot message is gone: a stream that holds one can't be loaded.",
    FIELD_REMOVED: "A field of an event or a snapshot is gone, and with it what is stored in it.",
    FIELD_RENUMBERED: "A field has another number, under which nothing is stored.",
    FIELD_TYPE: "A field has a type in which what is stored can't be read.",
    ENUM_VALUE_RENUMBERED: "A value of an enum has another number, so that what is stored means another.",
  },
  /** Stored events come to another state, or count for another time. */
  meaning: {
    ENUM_VALUE_REMOVED: "A value of an enum is gone that events or snapshots may hold.",
    EVENT_REVIVED: "A retired event isn't retired any more, so that stored ones aren't turned into current ones.",
    FIELD_DESTINATION: "An event's field doesn't go into the aggregate's field any more that it went into.",
    FIELD_PRESENCE: "A field can be unset, or can't be any more.",
    FIELD_ONEOF: "A field is in another oneof, of which one field alone is kept.",
    UNSET: "An event's unset field clears the aggregate's, or doesn't any more.",
    SETS_STATE: "An event leads to another state.",
    COLLECTION: "An event changes another collection, in another way, or under another key.",
    CREATION: "An event says, or doesn't say any more, that its aggregate was created, by whom and when.",
    LIFETIME: "Events and rows count for another time.",
    PERSONAL: "A field says something of a person, or of another one, and what is stored doesn't.",
  },
  /** Rows have to be made anew. */
  rows: {
    ROW_REMOVED: "A row's message is gone, and its rows stay.",
    ROW_CHANGED: "Rows that are stored lack what they would hold now.",
    KEY_CHANGED: "Rows are under other keys now.",
    INDEX_CHANGED: "An index has other keys, or holds other rows.",
  },
  /** Events can't be read where the JSON serializer wrote them. */
  json: {
    JSON_NAME: "A field or a value of an enum has another name in JSON.",
  },
  /** A Go service computes another state. */
  go: {
    SNAPSHOT_INTERVAL: "A Go service looks for snapshots where there are none.",
  },
  /** It looks dangerous, and isn't. */
  safe: {
    FIELD_WIDENED: "A field has a wider type, in which what is stored can be read.",
    EVENT_RETIRED: "An event is retired: it stays in the file, and stored ones are turned into current ones.",
  },
} as const;

/** What a change comes to. */
export type ChangeSeverity = keyof typeof SCHEMA_CHANGES;

/** The kind of a change. */
export type SchemaChangeId = { [S in ChangeSeverity]: keyof (typeof SCHEMA_CHANGES)[S] }[ChangeSeverity];

/** The gravest first. */
export const SEVERITIES = Object.keys(SCHEMA_CHANGES) as readonly ChangeSeverity[];

/** One change that matters to what is stored. */
export interface SchemaChange {
  readonly id: SchemaChangeId;
  readonly severity: ChangeSeverity;
  /** Where it is in the new schema; where that has nothing of it, what was around it. */
  readonly site: SourceSite | undefined;
  /** Where it was in the old one. */
  readonly was: SourceSite | undefined;
  /** The full name of the message or the enum that it is about, and of its field or value: as in the old schema. */
  readonly type: string;
  readonly member: string | undefined;
  /** What is different, and what comes of it. */
  readonly problem: string;
  /** What to do. */
  readonly remedy: string;
}

/** Takes a change down: what it is about in the old schema, and where to look for it in the new one. */
export type Note = (
  id: SchemaChangeId,
  was: AnyDesc,
  now: AnyDesc | undefined,
  problem: string,
  remedy: string,
) => void;

/** Makes a note that collects the changes, each once. */
export function collectChanges(): { readonly note: Note; readonly changes: readonly SchemaChange[] } {
  const changes: SchemaChange[] = [];
  const seen = new Set<string>();
  return {
    changes,
    note(id, was, now, problem, remedy) {
      const key = [id, was.toString(), problem].join("\n");
      if (seen.has(key)) return;
      seen.add(key);
      const [type, member] = namesOf(was);
      const severity = SEVERITIES.find((each) => id in SCHEMA_CHANGES[each]) as ChangeSeverity;
      changes.push({
        ...{ id, severity, type, member, problem, remedy },
        site: now && sourceSite(now),
        was: sourceSite(was),
      });
    },
  };
}

function namesOf(desc: AnyDesc): readonly [type: string, member: string | undefined] {
  if (desc.kind === "file") return [desc.proto.package, undefined];
  if ("typeName" in desc) return [desc.typeName, undefined];
  return [desc.parent.typeName, desc.name];
}
