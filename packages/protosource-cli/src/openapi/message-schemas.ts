/** The schemas of messages, as the JSON mapping of protobuf has them. */
import { type AnyDesc, type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, scalarZeroValue } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { sourceComment } from "protosource-es/model";
import { type FieldRules, fieldRules, type RulesReader } from "./field-rules.js";
import { allOf, type JsonSchema, refusesZero } from "./json-schema.js";
import { jsonOf, ruleSchema } from "./rule-schemas.js";
import { SCALARS, WELL_KNOWN } from "./well-known-types.js";

/** Which way messages go. Requests keep rules, and have no fields that nobody knows; answers may get more of them. */
export type Side = "request" | "answer";

/** The schemas of a document so far, by the names under which it refers to them. */
export interface MessageSchemas {
  readonly found: Map<string, JsonSchema>;
  readonly rules: RulesReader;
  /** The messages of answers, whose names are theirs: the same in a request is called an input. */
  readonly answers: ReadonlySet<DescMessage>;
}

/** Begins a collection for some answers. */
export function messageSchemas(rules: RulesReader, answers: readonly DescMessage[]): MessageSchemas {
  const all = new Set<DescMessage>();
  const add = (message: DescMessage): void => {
    if (all.has(message)) return;
    all.add(message);
    for (const field of message.fields) if (field.message) add(field.message);
  };
  for (const message of answers) add(message);
  return { found: new Map(), rules, answers: all };
}

/** What a request asks of its fields beside their rules. */
export interface RequestFields {
  /** The names of those that callers don't send. */
  readonly without: readonly string[];
  /** The names of those without which it asks for nothing. */
  readonly required: readonly string[];
}

const ALL_FIELDS: RequestFields = { without: [], required: [] };

/** Refers to the schema of a message, which is added where it isn't there. */
export function messageRef(
  schemas: MessageSchemas,
  message: DescMessage,
  side: Side,
  asked: RequestFields = ALL_FIELDS,
): JsonSchema {
  const known = WELL_KNOWN[message.typeName];
  if (known !== undefined) return known;
  const isInput = side === "request" && schemas.answers.has(message);
  return ref(schemas, `${message.typeName}${isInput ? "-Input" : ""}`, () =>
    messageSchema(schemas, message, side, asked),
  );
}

/** Refers to a schema by its name, after it was made where it isn't there. */
export function ref({ found }: MessageSchemas, name: string, make: () => JsonSchema): JsonSchema {
  if (!found.has(name)) {
    // A message may hold itself.
    found.set(name, {});
    found.set(name, make());
  }
  return { $ref: `#/components/schemas/${name}` };
}

/** What a document says of a descriptor: what its author wrote in front of it. */
export function described(desc: Exclude<AnyDesc, { kind: "file" }>, notes: readonly string[] = []): JsonSchema {
  const comment = sourceComment(desc).filter((line) => !line.startsWith("buf:lint:"));
  const description = [...comment, ...notes.map((note) => `Rule: ${note}`)].join("\n").trim();
  return { ...(description !== "" && { description }), ...(desc.deprecated && { deprecated: true }) };
}

function messageSchema(schemas: MessageSchemas, message: DescMessage, side: Side, asked: RequestFields): JsonSchema {
  const fields = message.fields.filter(({ name }) => !asked.without.includes(name));
  const made = fields.map((field) => ({ field, ...fieldSchema(schemas, field, side) }));
  const { oneofs, expressions } = schemas.rules.ofMessage(message);
  const needed = [
    ...message.oneofs.filter((oneof) => schemas.rules.isRequired(oneof)).map((oneof) => oneof.fields),
    ...oneofs.filter((one) => one.required).map((one) => fields.filter(({ name }) => one.fields.includes(name))),
  ];
  // Whether another field is set isn't told by whether it is there: it may hold what stands for nothing.
  const notes = [...expressions, ...oneofs.map((one) => `one of ${one.fields.join(", ")} at most`)];
  const required = made
    .filter(({ field, required }) => required || asked.required.includes(field.name))
    .map(({ field }) => field.jsonName);
  const isRequest = side === "request";
  return {
    ...described(message, isRequest ? notes : []),
    type: "object",
    properties: Object.fromEntries(made.map(({ field, schema }) => [field.jsonName, schema])),
    ...(required.length > 0 && { required }),
    ...(isRequest && { additionalProperties: false }),
    ...onlyOneOf(message.oneofs.map((oneof) => oneof.fields)),
    ...(isRequest && someOf(needed)),
  };
}

/** Says that of each group one field at most is there. */
function onlyOneOf(groups: readonly (readonly DescField[])[]): JsonSchema {
  const dependent = groups.flatMap((fields) =>
    fields.map((field): [string, JsonSchema] => {
      const others = fields.filter((other) => other !== field);
      return [field.jsonName, { properties: Object.fromEntries(others.map(({ jsonName }) => [jsonName, false])) }];
    }),
  );
  return dependent.length === 0 ? {} : { dependentSchemas: Object.fromEntries(dependent) };
}

/** Says that of each group one field at least is there. */
function someOf(groups: readonly (readonly DescField[])[]): JsonSchema {
  return allOf(groups.map((fields) => ({ anyOf: fields.map(({ jsonName }) => ({ required: [jsonName] })) })));
}

interface FieldSchema {
  readonly schema: JsonSchema;
  readonly required: boolean;
}

function fieldSchema(schemas: MessageSchemas, field: DescField, side: Side): FieldSchema {
  const plain = plainSchema(schemas, field, side, undefined);
  if (side === "answer") return { schema: { ...plain, ...described(field) }, required: false };
  const rules = schemas.rules.ofField(field);
  const { schema, notes } = ruleSchema(rules, (value) => jsonValue(field, value));
  const zero = zeroOf(field);
  const tracksPresence = field.presence !== FeatureSet_FieldPresence.IMPLICIT;
  const kept = rules.required && !tracksPresence ? allOf([schema, notZero(field)]) : schema;
  const full = allOf([withoutNaN(plainSchema(schemas, field, side, rules), kept), kept]);
  const leftOut = !tracksPresence && !rules.mayBeZero && zero !== undefined && refusesZero(kept, zero);
  const isZeroToo = rules.mayBeZero && zero !== undefined && refusesZero(kept, zero);
  return {
    schema: { ...(isZeroToo ? { anyOf: [{ const: zero }, full] } : full), ...described(field, notes) },
    required: rules.required || leftOut || field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED,
  };
}

/** The schema of a field without rules of its own; those of its elements are in it. */
function plainSchema(schemas: MessageSchemas, field: DescField, side: Side, rules: FieldRules | undefined): JsonSchema {
  const element = (name: string): JsonSchema =>
    elementRules(rules?.ofType.get(name) as ReflectMessage | undefined, singular(schemas, field, side), field);
  if (field.fieldKind === "list") return { type: "array", items: element("items") };
  if (field.fieldKind !== "map") return singular(schemas, field, side);
  const keys = ruleSchema(fieldRules(rules?.ofType.get("keys") as ReflectMessage | undefined), String).schema;
  const propertyNames = allOf([keySchema(field.mapKey), keys]);
  return {
    type: "object",
    additionalProperties: element("values"),
    ...(Object.keys(propertyNames).length > 0 && { propertyNames }),
  };
}

function elementRules(rules: ReflectMessage | undefined, plain: JsonSchema, field: DescField): JsonSchema {
  const { schema, notes } = ruleSchema(fieldRules(rules), (value) => jsonValue(field, value));
  const description = notes.map((note) => `Rule: ${note}`).join("\n");
  return { ...allOf([withoutNaN(plain, schema), schema]), ...(description !== "" && { description }) };
}

/** One value of a field: its own, or that of an element. */
function singular(schemas: MessageSchemas, field: DescField, side: Side): JsonSchema {
  if (field.message) return messageRef(schemas, field.message, side);
  if (field.enum) return enumRef(schemas, field.enum);
  const scalar = field.scalar ?? ScalarType.STRING;
  return SCALARS[ScalarType[scalar].toLowerCase()] ?? {};
}

/** Numbers in JSON may be texts such as "NaN", unless a rule wants numbers. */
function withoutNaN(plain: JsonSchema, rules: JsonSchema): JsonSchema {
  return rules["type"] === "number" ? {} : plain;
}

function enumRef(schemas: MessageSchemas, desc: DescEnum): JsonSchema {
  if (desc.typeName === "google.protobuf.NullValue") return { type: "null" };
  return ref(schemas, desc.typeName, () => {
    const values = desc.values.flatMap((value) => {
      const [line] = sourceComment(value);
      return line === undefined ? [] : [`${value.name}: ${line}`];
    });
    const { description, ...rest } = described(desc);
    const lines = [description, ...values].filter((line) => line !== undefined);
    return {
      ...(lines.length > 0 && { description: lines.join("\n") }),
      ...rest,
      type: "string",
      enum: desc.values.map(({ name }) => name),
    };
  });
}

function keySchema(key: ScalarType): JsonSchema {
  if (key === ScalarType.STRING) return {};
  return key === ScalarType.BOOL ? { enum: ["true", "false"] } : { pattern: "^-?\\d+$" };
}

/** What JSON leaves out; undefined for what has no such value. */
function zeroOf(field: DescField): string | number | boolean | readonly never[] | Record<string, never> | undefined {
  if (field.fieldKind === "list") return [];
  if (field.fieldKind === "map") return {};
  if (field.enum) return field.enum.values[0]?.name;
  if (field.scalar === undefined) return undefined;
  return jsonValue(field, scalarZeroValue(field.scalar, false)) as string | number | boolean;
}

/** Refuses the value that stands for none. */
function notZero(field: DescField): JsonSchema {
  if (field.fieldKind === "list") return { minItems: 1 };
  if (field.fieldKind === "map") return { minProperties: 1 };
  const zero = zeroOf(field);
  return zero === "" ? { minLength: 1 } : { not: { const: zero } };
}

/** Gives the JSON of a value of a field, as a rule has it. */
function jsonValue(field: DescField, value: unknown): unknown {
  if (isReflectMessage(value)) return jsonOf(value);
  if (value instanceof Uint8Array) return base64Encode(value);
  if (field.enum) return field.enum.value[value as number]?.name ?? value;
  return typeof value === "bigint" ? String(value) : value;
}
