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
  MessageOptionsSchema as OwnMessageOptionsSchema,
  protosource_es_field,
  protosource_es_message,
  RpcOptionsSchema,
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

/** The annotations of protosource-es, below a field. */
export const UNSET_PATH: readonly number[] = annotationPath("unset");
export const ENDS_HERE_PATH: readonly number[] = annotationPath("endsHere");
export const SPARSE_PATH: readonly number[] = annotationPath("sparseIndexes");
export const PERSONAL_PATH: readonly number[] = annotationPath("personal");
export const SORTS_AS_NUMBER_PATH: readonly number[] = annotationPath("sortsAsNumber");

/** The option `deletable`, below a message. */
export const DELETABLE_PATH: readonly number[] = [
  DescriptorProtoSchema.field.options.number,
  protosource_es_message.number,
  OwnMessageOptionsSchema.field.deletable.number,
];

function annotationPath(option: keyof typeof FieldOptionsSchema.field): readonly number[] {
  const { number } = FieldOptionsSchema.field[option];
  return [FieldDescriptorProtoSchema.field.options.number, protosource_es_field.number, number];
}

/** That an event is retired, below a message. */
export const RETIRED_PATH: readonly number[] = [
  DescriptorProtoSchema.field.options.number,
  protosource_es_message.number,
  OwnMessageOptionsSchema.field.retired.number,
];

/** What a message says of services, below it. */
export function rpcPath(option: keyof typeof RpcOptionsSchema.field): readonly number[] {
  return [
    DescriptorProtoSchema.field.options.number,
    protosource_es_message.number,
    OwnMessageOptionsSchema.field.rpc.number,
    RpcOptionsSchema.field[option].number,
  ];
}

/** An annotation of protosource-es, as the source writes it behind a field. */
export function annotationText(assignment: string): string {
  return `[(${protosource_es_field.typeName}).${assignment}]`;
}
