/** Where annotations are in the source: paths of options, in the numbers of descriptor.proto and of options_v1.proto. */
import { DescriptorProtoSchema, FieldDescriptorProtoSchema, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  MessageOptionsSchema,
  protosource_file,
  protosource_message_type,
  protosource_opaque_field,
} from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";
import {
  FieldOptionsSchema,
  protosource_es_field,
} from "protosource-es/proto/protosource_es/options/v1/options_v1_pb.js";

/** The option `enabled`, below a file. */
export const ENABLED_PATH: readonly number[] = [
  FileDescriptorProtoSchema.field.options.number,
  protosource_file.number,
  1,
];

/** A role, below a message, and on to one of its options. For a list buf records the whole, as the element 0. */
export function rolePath(role: keyof typeof MessageOptionsSchema.field, ...rest: number[]): readonly number[] {
  const { number } = MessageOptionsSchema.field[role];
  return [DescriptorProtoSchema.field.options.number, protosource_message_type.number, number, ...rest];
}

/** The key annotations, below a field. */
export const KEYS_PATH: readonly number[] = [
  FieldDescriptorProtoSchema.field.options.number,
  protosource_opaque_field.number,
];

/** An annotation of protosource-es, below a field. */
export function annotationPath(option: number): readonly number[] {
  return [FieldDescriptorProtoSchema.field.options.number, protosource_es_field.number, option];
}

/** The indexes that an empty field keeps a row out of, below the field. */
export const SPARSE_PATH: readonly number[] = annotationPath(FieldOptionsSchema.field.sparseIndexes.number);

/** An annotation of protosource-es, as the source writes it behind a field. */
export function annotationText(assignment: string): string {
  return `[(${protosource_es_field.typeName}).${assignment}]`;
}
