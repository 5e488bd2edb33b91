/** The files of the test schemas, changed: as the next release of a domain, or as a mistake. */
import {
  clearExtension,
  clone,
  create,
  createFileRegistry,
  type DescFile,
  getExtension,
  setExtension,
} from "@bufbuild/protobuf";
import {
  file_google_protobuf_any as anyFile,
  type DescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { type Aggregate, type AggregateTypes, defineAggregate } from "protosource-es";
import {
  type MessageOptions,
  file_funinthecloud_protosource_options_v1_options_v1 as optionsFile,
  protosource_message_type,
} from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";

import {
  MessageOptionsSchema as OwnMessageOptionsSchema,
  protosource_es_message,
} from "protosource-es/proto/protosource_es/options/v1/options_v1_pb.js";

type Role = MessageOptions["role"];

/** Gives a file after a change of its descriptor. */
export function changedFile(file: DescFile, change: (proto: FileDescriptorProto) => void): DescFile {
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  change(proto);
  const known = [...file.dependencies, anyFile, optionsFile, ...optionsFile.dependencies];
  const registry = createFileRegistry(proto, (name) => known.find((other) => other.proto.name === name)?.proto);
  const changed = registry.getFile(proto.name);
  if (changed === undefined) throw new Error(`no file ${proto.name}`);
  return changed;
}

/** Gives an aggregate after a change of its file, with its rules. */
export function redefined<T extends AggregateTypes>(
  { schema, rules }: Aggregate<T>,
  change: (proto: FileDescriptorProto) => void,
): Aggregate<T> {
  const changed = changedFile(schema.file, change).messages.find(({ name }) => name === schema.name);
  return defineAggregate<T>(changed as unknown as typeof schema, rules);
}

export function messageNamed(proto: FileDescriptorProto, name: string): DescriptorProto {
  const found = proto.messageType.find((message) => message.name === name);
  if (found === undefined) throw new Error(`no message ${name}`);
  return found;
}

export function fieldNamed(proto: FileDescriptorProto, message: string, name: string): FieldDescriptorProto {
  const found = messageNamed(proto, message).field.find((field) => field.name === name);
  if (found === undefined) throw new Error(`no field ${name}`);
  return found;
}

/** Lets an aggregate be deleted. */
export function makeDeletable(proto: FileDescriptorProto, name: string): void {
  const { options } = messageNamed(proto, name);
  if (options === undefined) throw new Error(`${name} has no options`);
  setExtension(options, protosource_es_message, create(OwnMessageOptionsSchema, { deletable: true }));
}

/** Sets options of a message's role, such as `everyNEvents`. */
export function setRole<C extends NonNullable<Role["case"]>>(
  proto: FileDescriptorProto,
  name: string,
  role: C,
  options: Partial<Extract<Role, { case: C }>["value"]>,
): void {
  const { options: annotated } = messageNamed(proto, name);
  if (annotated === undefined) throw new Error(`${name} has no options`);
  const annotation = getExtension(annotated, protosource_message_type);
  if (annotation.role.case !== role) throw new Error(`${name} is no ${role}`);
  Object.assign(annotation.role.value, options);
  setExtension(annotated, protosource_message_type, annotation);
}

/** Retires an event, with the command that led to it. */
export function retire(proto: FileDescriptorProto, name: string, command: string): void {
  const { options } = messageNamed(proto, name);
  if (options === undefined) throw new Error(`${name} has no options`);
  setExtension(options, protosource_es_message, create(OwnMessageOptionsSchema, { retired: "of a test" }));
  proto.messageType = proto.messageType.filter((message) => message.name !== command);
}

/** Makes a retired event a current one. */
export function reinstate(proto: FileDescriptorProto, name: string): void {
  const { options } = messageNamed(proto, name);
  if (options === undefined) throw new Error(`${name} has no options`);
  clearExtension(options, protosource_es_message);
}
