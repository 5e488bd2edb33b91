import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { ProtosourceError } from "../errors.js";
import { KEY_ATTRIBUTES, type KeyAttribute, NO_KEY } from "./key-attribute.js";
import { type KeyModel, type KeyTemplate, keyModel } from "./key-model.js";
import { emptyTest, type FieldValues, fieldReader } from "./key-value.js";

/**
 * The 42 key functions of a message. A key that the message doesn't have is `NA`, and so are those of a sparse index
 * while one of its fields is empty.
 */
export type AutoPKSK<M extends Message = Message> = { readonly [A in KeyAttribute]: (message: M) => string };

const compiled = new WeakMap<DescMessage, AutoPKSK>();

/**
 * Derives the keys of a message from its annotations, once.
 *
 * Throws `not_keyed`, with all that is wrong, when the message has no key annotations or they break a rule.
 */
export function autoPKSK<D extends DescMessage>(schema: D): AutoPKSK<MessageShape<D>> {
  let keys = compiled.get(schema);
  if (!keys) {
    keys = compileKeys(requireKeyModel(schema));
    compiled.set(schema, keys);
  }
  return keys;
}

/** Gives the keys of a message that has usable ones. Throws `not_keyed` otherwise. */
export function requireKeyModel(schema: DescMessage): KeyModel {
  const model = keyModel(schema);
  const { typeName } = schema;
  if (!model) {
    throw new ProtosourceError(
      "not_keyed",
      `${typeName} has no key annotations: mark it as an aggregate or a projection, or annotate a field with OPAQUE_KEY_TYPE_PK`,
      { typeName },
    );
  }
  const errors = model.problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) {
    const list = errors.map(({ field, message }) => (field ? `${field.name}: ${message}` : message)).join("; ");
    throw new ProtosourceError("not_keyed", `${typeName} has unusable keys: ${list}`, { typeName });
  }
  return model;
}

/** Composes a key from the values of its fields, which are read by `valueOf`. */
export function composeKey(template: KeyTemplate, values: readonly unknown[]): string {
  let key = template.prefix;
  values.forEach((value, i) => {
    const part = template.parts[i];
    if (part) key += part.label + part.text(value);
  });
  return key;
}

function compileKeys(model: KeyModel): AutoPKSK {
  const keys: Partial<Record<KeyAttribute, (message: Message) => string>> = {};
  for (const attribute of KEY_ATTRIBUTES) {
    const template = model.templates.get(attribute);
    keys[attribute] = template ? compileKey(template) : () => NO_KEY;
  }
  const { fixedSortKey } = model;
  if (fixedSortKey !== undefined) keys.sk = () => fixedSortKey;
  return keys as AutoPKSK;
}

function compileKey(template: KeyTemplate): (message: Message) => string {
  const compose = compileText(template);
  if (template.needs.length === 0) return compose;
  const tests = template.needs.map((field) => ({ read: fieldReader(field), isEmpty: emptyTest(field) }));
  return (message) => {
    const values = message as unknown as FieldValues;
    return tests.some(({ read, isEmpty }) => isEmpty(read(values))) ? NO_KEY : compose(message);
  };
}

function compileText({ prefix, parts }: KeyTemplate): (message: Message) => string {
  const [first, ...rest] = parts;
  if (!first) return () => prefix;
  const { read, text } = first;
  const head = prefix + first.label;
  const firstKey = (message: FieldValues): string => head + text(read(message));
  const key = rest.reduce(
    (before, part) => (message) => before(message) + part.label + part.text(part.read(message)),
    firstKey,
  );
  return (message) => key(message as unknown as FieldValues);
}
