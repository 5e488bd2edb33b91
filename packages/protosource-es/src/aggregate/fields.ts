/** Reading, writing and copying fields by descriptor, with what protobuf calls presence. */
import { clearField, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** A message as an object of its local names. */
type Properties = { [localName: string]: unknown };

/** Gives the value of a field, or undefined where one with presence is unset. */
export type ReadField = (message: Message) => unknown;

/** Sets a field; undefined unsets it. */
export type WriteField = (message: Message, value: unknown) => void;

/** Copies from one message into another. */
export type CopyFields = (from: Message, to: Message) => void;

/** Makes the function that reads a field. */
export function fieldReader({ localName, oneof, fieldKind, presence }: DescField): ReadField {
  if (oneof !== undefined) {
    const group = oneof.localName;
    return (message) => {
      const selected = (message as unknown as Properties)[group] as { case?: string; value?: unknown };
      return selected.case === localName ? selected.value : undefined;
    };
  }
  // A default value of an unset proto2 field would shine through from the prototype.
  if (fieldKind !== "message" && presence !== FeatureSet_FieldPresence.IMPLICIT) {
    return (message) => (Object.hasOwn(message, localName) ? (message as unknown as Properties)[localName] : undefined);
  }
  return (message) => (message as unknown as Properties)[localName];
}

/** Makes the function that writes a field. Lists and maps are copied, so that two messages never share one. */
export function fieldWriter(field: DescField): WriteField {
  const { localName, oneof } = field;
  return (message, value) => {
    const properties = message as unknown as Properties;
    if (value === undefined) clearField(message, field);
    else if (oneof !== undefined) properties[oneof.localName] = { case: localName, value };
    else if (field.fieldKind === "list") properties[localName] = [...(value as unknown[])];
    else if (field.fieldKind === "map") properties[localName] = { ...(value as object) };
    else properties[localName] = value;
  };
}

/**
 * Makes the function that copies each of these fields to its namesake. An unset field unsets the namesake, unless it is
 * one of those that keep it.
 */
export function fieldCopier(
  pairs: readonly (readonly [from: DescField, to: DescField])[],
  keeps: (from: DescField) => boolean,
): CopyFields {
  const copies = pairs.map(([from, to]) => ({ read: fieldReader(from), write: fieldWriter(to), keeps: keeps(from) }));
  return (from, to) => {
    for (const { read, write, keeps } of copies) {
      const value = read(from);
      if (value !== undefined || !keeps) write(to, value);
    }
  };
}

/** Pairs the fields that two messages have by the same name. */
export function namesakes(
  from: DescMessage,
  to: DescMessage,
  except: readonly string[] = [],
): readonly (readonly [from: DescField, to: DescField])[] {
  return from.fields.flatMap((field) => {
    const other = except.includes(field.name) ? undefined : to.fields.find(({ name }) => name === field.name);
    return other === undefined ? [] : [[field, other] as const];
  });
}

/** Tells whether two fields hold values of the same type. Presence may differ. */
export function holdSameType(a: DescField, b: DescField): boolean {
  return typeOf(a) === typeOf(b);
}

/** The type of a field, in the words of a .proto file. */
export function typeOf(field: DescField): string {
  const element = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field);
  switch (field.fieldKind) {
    case "list":
      return `repeated ${element}`;
    case "map":
      return `map<${ScalarType[field.mapKey].toLowerCase()}, ${element}>`;
    default:
      return element;
  }
}

function scalarName(field: DescField): string {
  const name = ScalarType[field.scalar as ScalarType].toLowerCase();
  return "longAsString" in field && field.longAsString ? `${name} as string` : name;
}
