/** The keys of a message, as its annotations and its role say, and all that is wrong with them. */
import { type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import {
  protosource_message_type,
  protosource_opaque_field,
} from "../gen/funinthecloud/protosource/options/v1/options_v1_pb.js";
import { protosource_es_field } from "../gen/protosource_es/options/v1/options_v1_pb.js";
import { GSI_NUMBERS, indexAttributes, KEY_ATTRIBUTES, type KeyAttribute } from "./key-attribute.js";
import { type FieldValues, fieldReader, type KeyText, keyText } from "./key-value.js";
import { NUM_GSIS } from "./opaque-store.js";
import { orderedText } from "./ordered-text.js";

/** A field within a key. */
export interface KeyPart {
  readonly field: DescField;
  /** What stands before the value: `#customer_id#`. */
  readonly label: string;
  /** Spells a value of the field. */
  readonly text: KeyText;
  /** Whether texts of it sort as its numbers do. */
  readonly isOrdered: boolean;
  /** Reads the field of a message. */
  readonly read: (message: FieldValues) => unknown;
}

/** How one key is composed: the prefix, then each part's label and value. */
export interface KeyTemplate {
  readonly prefix: string;
  readonly parts: readonly KeyPart[];
  /** The fields without which the index of the key doesn't hold a message. */
  readonly needs: readonly DescField[];
}

/** What is wrong with the keys of a message. */
export interface KeyProblem {
  readonly rule:
    | "given_key"
    | "no_id"
    | "no_aggregate"
    | "no_partition_key"
    | "unknown_key"
    | "negative_order"
    | "missing_order"
    | "duplicate_order"
    | "sort_without_partition"
    | "partition_without_sort"
    | "field_type"
    | "unknown_index"
    | "not_a_number"
    | "reserved_name";
  /** A warning doesn't keep the message from being stored. */
  readonly severity: "error" | "warning";
  /** What is wrong, and what to write. */
  readonly message: string;
  /** The field whose annotation it is about, if it is about one. */
  readonly field?: DescField | undefined;
}

/** The keys of a message. */
export interface KeyModel {
  readonly schema: DescMessage;
  /** `other` is a message that names its own keys. */
  readonly role: "aggregate" | "projection" | "other";
  /** The aggregate whose `event_ttl_seconds` and partition the message shares: itself, a projection's, or none. */
  readonly aggregate: DescMessage | undefined;
  readonly templates: ReadonlyMap<KeyAttribute, KeyTemplate>;
  /** The sort key of every row of this message; undefined when fields make it. */
  readonly fixedSortKey: string | undefined;
  readonly problems: readonly KeyProblem[];
}

const models = new WeakMap<DescMessage, { readonly model: KeyModel | undefined }>();

/**
 * Reads the keys of a message, once. A message that is no aggregate, no projection and has no key annotations has none:
 * undefined.
 */
export function keyModel(schema: DescMessage): KeyModel | undefined {
  let cached = models.get(schema);
  if (!cached) {
    cached = { model: readKeyModel(schema) };
    models.set(schema, cached);
  }
  return cached.model;
}

function readKeyModel(schema: DescMessage): KeyModel | undefined {
  const problems: KeyProblem[] = [];
  const role = roleOf(schema) ?? "other";
  const mappings = readMappings(schema, problems);
  if (role === "other" && mappings.size === 0 && problems.length === 0) return undefined;

  const ownPrefix = keyPrefix(schema);
  const needs = readNeeds(schema, mappings, problems);
  const templates = new Map<KeyAttribute, KeyTemplate>();
  for (const attribute of KEY_ATTRIBUTES) {
    const mapped = mappings.get(attribute);
    if (!mapped) continue;
    const parts = orderedParts(attribute, mapped, problems);
    if (role !== "other" && (attribute === "pk" || attribute === "sk")) {
      for (const { field } of mapped) {
        problems.push({
          rule: "given_key",
          severity: "error",
          field,
          message: `the ${attribute} of ${article(role)} is given: remove the annotation`,
        });
      }
    } else {
      templates.set(attribute, { prefix: ownPrefix, parts, needs: needs.get(attribute) ?? [] });
    }
  }
  checkIndexes(mappings, problems);

  let aggregate: DescMessage | undefined;
  if (role !== "other") {
    aggregate = role === "aggregate" ? schema : aggregateOf(schema, problems);
    const id = idField(schema, problems);
    if (aggregate && id) templates.set("pk", { prefix: keyPrefix(aggregate), parts: [id], needs: [] });
  } else if (!mappings.has("pk")) {
    problems.push({
      rule: "no_partition_key",
      severity: "error",
      message:
        "there are keys but no pk: annotate a field with OPAQUE_KEY_TYPE_PK, or mark the message as an aggregate",
    });
  }
  checkName(schema, problems);

  return { schema, role, aggregate, templates, fixedSortKey: fixedSortKey(schema, role, templates), problems };
}

/** A field that an annotation makes a part of a key. */
interface Mapping {
  readonly field: DescField;
  readonly order: number;
}

function roleOf(schema: DescMessage): "aggregate" | "projection" | undefined {
  const role = getOption(schema, protosource_message_type).role.case;
  return role === "aggregate" || role === "projection" ? role : undefined;
}

function readMappings(schema: DescMessage, problems: KeyProblem[]): Map<KeyAttribute, Mapping[]> {
  const mappings = new Map<KeyAttribute, Mapping[]>();
  for (const field of schema.fields) {
    for (const { type, order } of getOption(field, protosource_opaque_field).attributes) {
      const attribute = KEY_ATTRIBUTES[type - 1];
      if (attribute === undefined) {
        problems.push({
          rule: "unknown_key",
          severity: "error",
          field,
          message: `key type ${type} names no key: write OPAQUE_KEY_TYPE_PK, _SK or _GSI1PK to _GSI${NUM_GSIS}SK`,
        });
        continue;
      }
      const mapped = mappings.get(attribute);
      if (mapped) mapped.push({ field, order });
      else mappings.set(attribute, [{ field, order }]);
    }
  }
  return mappings;
}

/** Reads which fields mustn't be empty for a message to be in an index: for both keys of each such index. */
function readNeeds(
  schema: DescMessage,
  mappings: ReadonlyMap<KeyAttribute, readonly Mapping[]>,
  problems: KeyProblem[],
): ReadonlyMap<KeyAttribute, readonly DescField[]> {
  const needs = new Map<KeyAttribute, DescField[]>();
  for (const field of schema.fields) {
    for (const number of getOption(field, protosource_es_field).sparseIndexes) {
      const index = GSI_NUMBERS.find((each) => each === number);
      const keys = index === undefined ? [] : indexAttributes(index);
      if (keys.some((key) => mappings.has(key))) {
        for (const key of keys) needs.set(key, [...(needs.get(key) ?? []), field]);
      } else {
        problems.push({
          rule: "unknown_index",
          severity: "error",
          field,
          message: `no index ${number} holds the message: name one in sparse_indexes that its fields make keys of`,
        });
      }
    }
  }
  return needs;
}

function orderedParts(attribute: KeyAttribute, mapped: readonly Mapping[], problems: KeyProblem[]): KeyPart[] {
  const seen = new Map<number, string>();
  const parts: KeyPart[] = [];
  for (const { field, order } of mapped.toSorted((a, b) => a.order - b.order)) {
    const problem = (rule: KeyProblem["rule"], message: string): void => {
      problems.push({ rule, severity: "error", field, message: `${attribute}: ${message}` });
    };
    const isOrdered = getOption(field, protosource_es_field).sortsAsNumber;
    const text = isOrdered ? orderedText(field) : keyText(field);
    if (text) {
      parts.push({ field, label: `#${field.name.toLowerCase()}#`, text, isOrdered, read: fieldReader(field) });
    } else if (isOrdered) {
      problem("not_a_number", "sorts_as_number is for a number or an enum: remove it");
    } else {
      problem("field_type", "a map or a message can't be part of a key: annotate a field of its own, of a scalar type");
    }
    if (order < 0) {
      problem("negative_order", `order ${order} is negative: count the fields of a key from 1`);
    } else if (order === 0 && mapped.length > 1) {
      problem("missing_order", `${mapped.length} fields make this key, and this one has no order: count them from 1`);
    } else if (seen.has(order)) {
      problem("duplicate_order", `order ${order} is that of ${seen.get(order)} too: give each field its own`);
    }
    seen.set(order, field.name);
  }
  return parts;
}

function checkIndexes(mappings: ReadonlyMap<KeyAttribute, readonly Mapping[]>, problems: KeyProblem[]): void {
  for (const index of GSI_NUMBERS) {
    const [pk, sk] = indexAttributes(index);
    const partition = mappings.get(pk);
    const sort = mappings.get(sk);
    if (sort && !partition) {
      problems.push({
        rule: "sort_without_partition",
        severity: "error",
        field: sort[0]?.field,
        message: `there is ${article(sk)} but no ${pk}: annotate the field to find rows by with OPAQUE_KEY_TYPE_${pk.toUpperCase()}`,
      });
    } else if (partition && !sort) {
      problems.push({
        rule: "partition_without_sort",
        severity: "warning",
        field: partition[0]?.field,
        message: `there is ${article(pk)} but no ${sk}, so rows of one partition come in no useful order`,
      });
    }
  }
}

function aggregateOf(projection: DescMessage, problems: KeyProblem[]): DescMessage | undefined {
  const aggregates = projection.file.messages.filter((message) => roleOf(message) === "aggregate");
  if (aggregates.length === 1) return aggregates[0];
  problems.push({
    rule: "no_aggregate",
    severity: "error",
    message:
      aggregates.length === 0
        ? "a projection needs its aggregate in the same file: move it there"
        : `the file has ${aggregates.length} aggregates, so the projection's can't be told: keep one aggregate in a file`,
  });
  return undefined;
}

function idField(schema: DescMessage, problems: KeyProblem[]): KeyPart | undefined {
  const field = schema.field["id"];
  const text = field && keyText(field);
  if (text && field.fieldKind === "scalar" && field.scalar === ScalarType.STRING) {
    return { field, label: "#id#", text, isOrdered: false, read: fieldReader(field) };
  }
  problems.push({
    rule: "no_id",
    severity: "error",
    field,
    message: "aggregates and projections are stored under their id: give the message a field `string id`",
  });
  return undefined;
}

function checkName(schema: DescMessage, problems: KeyProblem[]): void {
  const taken = schema.name === "Hydrate" || KEY_ATTRIBUTES.some((key) => key.toUpperCase() === schema.name);
  if (!taken) return;
  problems.push({
    rule: "reserved_name",
    severity: "warning",
    message: `the family's Go generator makes a method of the name ${schema.name}: rename the message if Go shares the schema`,
  });
}

function fixedSortKey(
  schema: DescMessage,
  role: KeyModel["role"],
  templates: ReadonlyMap<KeyAttribute, KeyTemplate>,
): string | undefined {
  if (role === "projection") return `PROJ#${schema.name}`;
  return role === "other" && templates.has("sk") ? undefined : "AGG";
}

function keyPrefix(schema: DescMessage): string {
  return `${schema.file.proto.package.replaceAll(".", "_")}#${schema.name.toLowerCase()}`;
}

function article(noun: string): string {
  return `${noun.startsWith("a") ? "an" : "a"} ${noun}`;
}
