/**
 * The messages of the cases. Their descriptors are made here, as a compiler would make them from this schema:
 *
 * ```proto
 * message Account {                       // aggregate
 *   string id = 1;
 *   int64 version = 2;
 *   string owner = 3;                     // GSI1PK
 *   int64 opened_at = 4;                  // GSI1SK
 *   string note = 5;
 * }
 * message AccountSummary {                // projection
 *   string id = 1;
 *   string owner = 2;                     // GSI1PK
 *   string note = 3;                      // GSI1SK
 * }
 * message Note { string id = 1; }         // neither
 *
 * message Session {                       // aggregate of another file, event_ttl_seconds: 3600
 *   string id = 1;
 *   int64 version = 2;
 * }
 * ```
 */
import {
  create,
  createFileRegistry,
  type DescMessage,
  type Message,
  type MessageInitShape,
  setExtension,
} from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import {
  OpaqueFieldOptionsSchema,
  OpaqueKeyType,
  file_funinthecloud_protosource_options_v1_options_v1 as optionsFile,
  MessageOptionsSchema as ProtosourceMessageOptionsSchema,
  protosource_message_type,
  protosource_opaque_field,
} from "../../gen/funinthecloud/protosource/options/v1/options_v1_pb.js";

export type Account = Message<"protosource.conformance.v1.Account"> & {
  id: string;
  version: bigint;
  owner: string;
  openedAt: bigint;
  note: string;
};

export type AccountSummary = Message<"protosource.conformance.v1.AccountSummary"> & {
  id: string;
  owner: string;
  note: string;
};

export type Note = Message<"protosource.conformance.v1.Note"> & { id: string };

export type Session = Message<"protosource.conformance.session.v1.Session"> & { id: string; version: bigint };

/** The time to live of {@link Session}, by its annotation. */
export const SESSION_TTL_SECONDS = 3600;

const { INT64, STRING } = FieldDescriptorProto_Type;

const accounts = messagesOf("protosource.conformance.v1", [
  message("Account", { case: "aggregate", value: {} }, [
    ["id", STRING],
    ["version", INT64],
    ["owner", STRING, OpaqueKeyType.GSI1PK],
    ["opened_at", INT64, OpaqueKeyType.GSI1SK],
    ["note", STRING],
  ]),
  message("AccountSummary", { case: "projection", value: { sourceAggregates: ["Account"] } }, [
    ["id", STRING],
    ["owner", STRING, OpaqueKeyType.GSI1PK],
    ["note", STRING, OpaqueKeyType.GSI1SK],
  ]),
  message("Note", undefined, [["id", STRING]]),
]);

const sessions = messagesOf("protosource.conformance.session.v1", [
  message("Session", { case: "aggregate", value: { eventTtlSeconds: BigInt(SESSION_TTL_SECONDS) } }, [
    ["id", STRING],
    ["version", INT64],
  ]),
]);

export const AccountSchema = accounts("Account") as GenMessage<Account>;
export const AccountSummarySchema = accounts("AccountSummary") as GenMessage<AccountSummary>;
export const NoteSchema = accounts("Note") as GenMessage<Note>;
export const SessionSchema = sessions("Session") as GenMessage<Session>;

type Role = NonNullable<MessageInitShape<typeof ProtosourceMessageOptionsSchema>["role"]>;

/** A field: its name, its type, and the key that it makes, if it makes one. Fields are numbered from 1. */
type Field = readonly [name: string, type: FieldDescriptorProto_Type, key?: OpaqueKeyType];

function message(name: string, role: Role | undefined, fields: readonly Field[]): DescriptorProto {
  const options = create(MessageOptionsSchema);
  if (role) setExtension(options, protosource_message_type, create(ProtosourceMessageOptionsSchema, { role }));
  return create(DescriptorProtoSchema, { name, options, field: fields.map(field) });
}

function field([name, type, key]: Field, index: number): FieldDescriptorProto {
  const options = create(FieldOptionsSchema);
  if (key !== undefined) {
    setExtension(options, protosource_opaque_field, create(OpaqueFieldOptionsSchema, { attributes: [{ type: key }] }));
  }
  const label = FieldDescriptorProto_Label.OPTIONAL;
  return create(FieldDescriptorProtoSchema, { name, type, label, number: index + 1, options });
}

/** Puts messages into a file of their own, and gives them by name. */
function messagesOf(packageName: string, messageType: DescriptorProto[]): (name: string) => DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: `${packageName.replaceAll(".", "/")}/messages.proto`,
    package: packageName,
    syntax: "proto3",
    dependency: [optionsFile.proto.name],
    messageType,
  });
  const registry = createFileRegistry(file, () => optionsFile);
  return (name) => registry.getMessage(`${packageName}.${name}`) as DescMessage;
}
