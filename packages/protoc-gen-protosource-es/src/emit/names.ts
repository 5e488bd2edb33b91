/** The names that generated code exports, made of the names that protoc-gen-es gives to messages and enums. */
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { type Domain, hasDisplayNames } from "../model.js";

/** An index, or the table itself as 0, with the fields of its two keys. */
export interface IndexFields {
  readonly number: number;
  readonly partition: readonly DescField[];
  readonly sort: readonly DescField[];
  /** Those that mustn't be empty in a row that it holds. */
  readonly needs: readonly DescField[];
}

/** Words that can't name a parameter, and the name of the last one. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof undefined var void while with yield options"
  ).split(" "),
);

/** The names for an aggregate. */
export interface AggregateNames {
  readonly types: string;
  readonly aggregate: string;
  readonly command: string;
  readonly event: string;
  readonly rules: string;
  readonly define: string;
  readonly commands: string;
  readonly events: string;
}

export function aggregateNames({ name }: DescMessage): AggregateNames {
  return {
    types: `${name}Types`,
    aggregate: `${name}Aggregate`,
    command: `${name}Command`,
    event: `${name}Event`,
    rules: `${name}Rules`,
    define: `define${name}`,
    commands: `${lowerFirst(name)}Commands`,
    events: `${lowerFirst(name)}Events`,
  };
}

/** The query class of a message with keys. */
export function queriesName(schema: DescMessage): string {
  return `${localName(schema)}Queries`;
}

/** The display names of an enum's values. */
export function displayNamesName(schema: DescEnum): string {
  return `${lowerFirst(localName(schema))}DisplayNames`;
}

/** The name of a parameter for a field: `delete$` for a field `delete`. */
export function parameterName({ localName }: DescField): string {
  return RESERVED.has(localName) ? `${localName}$` : localName;
}

/**
 * The names of the methods for indexes: by the partition fields, `selectByOwner`; with the sort fields where an index
 * before has these partition fields, `selectByOwnerWithState`; and with the index where that is taken
 * too, `selectByOwnerViaIndex3`.
 */
export function selectNames(indexes: readonly IndexFields[]): readonly string[] {
  const taken = new Set<string>();
  return indexes.map(({ number, partition, sort }) => {
    const short = `selectBy${fieldNames(partition)}`;
    const long = sort.length === 0 ? short : `${short}With${fieldNames(sort)}`;
    const name = [short, long].find((candidate) => !taken.has(candidate)) ?? `${long}ViaIndex${number}`;
    taken.add(name);
    return name;
  });
}

function fieldNames(fields: readonly DescField[]): string {
  return fields
    .map(({ localName }) => localName.charAt(0).toUpperCase() + localName.slice(1).replace("$", ""))
    .join("And");
}

/** Every name that the generated file of a domain exports, with the message or enum that it comes from. */
export function exportedNames({ aggregate, keys, enums }: Domain): { name: string; desc: DescMessage | DescEnum }[] {
  const ofAggregate = aggregate === undefined ? [] : Object.values(aggregateNames(aggregate.schema));
  return [
    ...ofAggregate.flatMap((name) => (aggregate === undefined ? [] : [{ name, desc: aggregate.schema }])),
    ...keys.map(({ schema }) => ({ name: queriesName(schema), desc: schema })),
    ...enums.filter(hasDisplayNames).map((desc) => ({ name: displayNamesName(desc), desc })),
  ];
}

/** The name without the package; an inner type's begins with the outer's. */
function localName(schema: DescMessage | DescEnum): string {
  return schema.parent === undefined ? schema.name : `${localName(schema.parent)}_${schema.name}`;
}

/** Lowers the first letter, or all of a leading acronym: `order` of Order, `httpCall` of HTTPCall. */
function lowerFirst(name: string): string {
  return name.replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (capitals) => capitals.toLowerCase());
}
