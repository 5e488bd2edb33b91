/** Personal fields taken out of messages and sealed, and put back. */
import { clearField, create, type DescMessage, isFieldSet, type Message, toBinary } from "@bufbuild/protobuf";
import { invalid, ProtosourceError } from "../errors.js";
import type { Sealed } from "../gen/protosource_es/sealed/v1/sealed_v1_pb.js";
import { utf8Length } from "../opaquedata/utf8.js";
import { decodeMessage } from "../serializer/decode-message.js";
import { decrypt, encrypt, KEY_BYTES } from "./cipher.js";
import { type Envelope, envelopesOf, erasedEnvelope, isErasedEnvelope, setEnvelopes } from "./envelopes.js";
import type { DataKey } from "./key-store.js";
import { fieldValue, messagesWithin, replaceWithin, setField } from "./messages-within.js";
import type { PersonalGroup, PersonalPlan } from "./personal-plan.js";

/** How long the id of a key of a table is, in characters. */
const KEY_ID_LENGTH = 39;

/** The keys to seal with, by person. */
export type SubjectKeys = Pick<ReadonlyMap<string, DataKey>, "get">;

/** The keys to open with, by their ids. One that isn't among them is unknown. */
export type FoundKeys = ReadonlyMap<string, DataKey | "erased">;

/** Adds the persons of whom a message says something. Throws `invalid_argument` where it doesn't say of whom. */
export function addSubjects(plan: PersonalPlan, message: Message, subjects: Set<string>): void {
  for (const group of plan.groups) {
    if (group.fields.some((field) => isFieldSet(message, field))) subjects.add(subjectOf(message, group));
  }
  for (const { field, plan: inner } of plan.within) {
    for (const one of messagesWithin(message, field)) addSubjects(inner, one, subjects);
  }
}

/** Adds the ids of the keys that seal a message. Of what is damaged, `openMessage` tells. */
export function addKeyIds(plan: PersonalPlan, message: Message, keyIds: Set<string>): void {
  if (message.$unknown !== undefined) {
    try {
      for (const sealed of envelopesOf(message)) if (!isErasedEnvelope(sealed)) keyIds.add(sealed.keyId);
    } catch {
      // Others that are read together are whole.
    }
  }
  for (const { field, plan: inner } of plan.within) {
    for (const one of messagesWithin(message, field)) addKeyIds(inner, one, keyIds);
  }
}

/**
 * Makes a message with its personal fields sealed. What isn't personal is shared with the message that is given, which
 * stays as it is. `place` says where it is stored: it is opened nowhere else.
 */
export function sealMessage(plan: PersonalPlan, message: Message, place: string, keys: SubjectKeys): Message {
  const { schema } = plan;
  const sealed = shallowCopy(message);
  const envelopes: Envelope[] = [];
  for (const group of plan.groups) {
    const fields = group.fields.filter((field) => isFieldSet(message, field));
    if (fields.length === 0) continue;
    const subject = subjectOf(message, group);
    const part = create(schema);
    for (const field of fields) {
      setField(part, field, fieldValue(message, field));
      clearField(sealed, field);
    }
    const { id, bytes } = keys.get(subject) as DataKey;
    const { nonce, ciphertext } = encrypt(bytes, toBinary(schema, part), placeWithin(schema, subject, place));
    envelopes.push({ keyId: id, subject: group.subject.number, nonce, ciphertext });
  }
  if (envelopes.length > 0) setEnvelopes(sealed, [...envelopesOf(message), ...envelopes]);
  for (const { field, plan: inner } of plan.within) {
    replaceWithin(sealed, field, (one) => sealMessage(inner, one, place, keys));
  }
  return sealed;
}

/** Makes a message that takes as many bytes as a sealed one, before there are keys: what is sealed can't be compressed. */
export function sealForSize(plan: PersonalPlan, message: Message): Message {
  return sealMessage(plan, message, "", { get: () => KEY_FOR_SIZE });
}

/** As long as the keys of a table, with their ids. */
const KEY_FOR_SIZE: DataKey = { id: "-".repeat(KEY_ID_LENGTH), bytes: new Uint8Array(KEY_BYTES) };

/**
 * Puts the personal fields of a message back, in place. Those of a person who was forgotten stay empty, and `isErased`
 * tells.
 *
 * Throws `key_missing` for a key that is unknown, and `corrupt_record` for what was sealed elsewhere or changed since.
 * `key` names the record in errors.
 */
export function openMessage(plan: PersonalPlan, message: Message, place: string, key: string, keys: FoundKeys): void {
  if (message.$unknown !== undefined) {
    const left: Envelope[] = [];
    const parts: Message[] = [];
    for (const sealed of readEnvelopes(plan, message, key)) {
      const found = isErasedEnvelope(sealed) ? "erased" : keys.get(sealed.keyId);
      if (found === undefined) throw keyMissing(sealed.keyId, key);
      if (found === "erased") left.push(erasedEnvelope(sealed.keyId));
      else parts.push(openEnvelope(plan, message, sealed, found, place, key));
    }
    setEnvelopes(message, left);
    for (const part of parts) putBack(plan.schema, message, part);
  }
  for (const { field, plan: inner } of plan.within) {
    for (const one of messagesWithin(message, field)) openMessage(inner, one, place, key, keys);
  }
}

function readEnvelopes({ schema }: PersonalPlan, message: Message, key: string): readonly Sealed[] {
  try {
    return envelopesOf(message);
  } catch (cause) {
    throw unopened(schema, key, cause);
  }
}

function openEnvelope(
  { schema }: PersonalPlan,
  message: Message,
  { subject: number, nonce, ciphertext }: Sealed,
  { bytes }: DataKey,
  place: string,
  key: string,
): Message {
  const subject = schema.fields.find((field) => field.number === number);
  try {
    const name = subject && fieldValue(message, subject);
    return decodeMessage(schema, decrypt(bytes, nonce, ciphertext, placeWithin(schema, String(name), place)));
  } catch (cause) {
    throw unopened(schema, key, cause);
  }
}

/** Fields of a later schema stay out: this one couldn't seal them again. */
function putBack(schema: DescMessage, message: Message, part: Message): void {
  for (const field of schema.fields) {
    if (isFieldSet(part, field)) setField(message, field, fieldValue(part, field));
  }
}

/** Binds what is sealed to its type, its person and its place. */
function placeWithin({ typeName }: DescMessage, subject: string, place: string): string {
  return `${typeName}\n${utf8Length(subject)}\n${subject}${place}`;
}

/** Reads whose the fields of a group are. Throws `invalid_argument` where that is empty. */
function subjectOf(message: Message, { subject, fields }: PersonalGroup): string {
  const name = fieldValue(message, subject) as string | undefined;
  if (name) return name;
  throw invalid(
    `${subject.parent.typeName}.${subject.name}`,
    `${subject.parent.typeName} has ${fields.map((field) => field.name).join(", ")} and an empty ${subject.name}: say whose they are`,
  );
}

function unopened({ typeName }: DescMessage, key: string, cause: unknown): ProtosourceError<"corrupt_record"> {
  return new ProtosourceError(
    "corrupt_record",
    `${key}: the personal fields of its ${typeName} don't open: they were sealed elsewhere, or changed since`,
    { key },
    { cause },
  );
}

function keyMissing(keyId: string, key: string): ProtosourceError<"key_missing"> {
  return new ProtosourceError(
    "key_missing",
    `${key}: the key store doesn't know the key ${keyId} of its personal fields, and hasn't erased it: give the store that they were sealed with`,
    { key, keyId },
  );
}

/** Copies the members of a message, and nothing within. */
export function shallowCopy(message: Message): Message {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message);
}
