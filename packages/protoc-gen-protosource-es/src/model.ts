/** What the generator knows of a file: the annotations, as the run time reads them, and the messages around them. */
import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { type AggregateModel, type FileModel, fileModel, type KeyModel, keyModel } from "protosource-es/model";
import {
  type MessageOptions,
  protosource_enum,
  protosource_file,
  protosource_message_type,
  protosource_opaque_field,
} from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";
import {
  type FieldOptions,
  protosource_es_field,
  protosource_es_message,
} from "protosource-es/proto/protosource_es/options/v1/options_v1_pb.js";

/** A file, right or wrong: `validate` tells which, and the emitters take a right one. */
export interface Domain extends FileModel {
  /** The first aggregate; a right file has one, unless it has rows only. */
  readonly aggregate: AggregateModel | undefined;
  /** All messages and enums, inner ones too, in the order of the source. */
  readonly messages: readonly DescMessage[];
  readonly enums: readonly DescEnum[];
  /** The keys of the messages that have any. */
  readonly keys: readonly KeyModel[];
}

export function readDomain(file: DescFile): Domain {
  const model = fileModel(file);
  const types = [...nestedTypes(file)];
  const messages = types.filter((type) => type.kind === "message");
  return {
    ...model,
    aggregate: model.aggregates[0],
    messages,
    enums: types.filter((type) => type.kind === "enum"),
    keys: messages.flatMap((message) => keyModel(message) ?? []),
  };
}

/** Tells whether a file has nothing but messages with keys, such as the rows of read models, and what they hold. */
export function isOfRows({ aggregates, commands, events, snapshots, projections, keys }: Domain): boolean {
  return keys.length > 0 && [aggregates, commands, events, snapshots, projections].every(({ length }) => length === 0);
}

/** Tells whether a file that isn't enabled says so, rather than having forgotten it. */
export function isDisabled(file: DescFile): boolean {
  return hasOption(file, protosource_file) && !getOption(file, protosource_file).enabled;
}

export function roleOf(schema: DescMessage): MessageOptions["role"]["case"] {
  return getOption(schema, protosource_message_type).role.case;
}

/** Tells whether a message says that it is no longer emitted. */
export function isRetired(schema: DescMessage): boolean {
  return getOption(schema, protosource_es_message).retired !== undefined;
}

/** What the annotations of protosource-es say of a field. */
export function annotationOf(field: DescField): FieldOptions {
  return getOption(field, protosource_es_field);
}

/** Tells whether a field is annotated as a part of a key. */
export function isInKey(field: DescField): boolean {
  return getOption(field, protosource_opaque_field).attributes.length > 0;
}

/** Tells whether the values of an enum get display names. */
export function hasDisplayNames(schema: DescEnum): boolean {
  return !getOption(schema, protosource_enum).displayNamesDisabled;
}
