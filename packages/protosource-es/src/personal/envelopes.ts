/** What was sealed of a message, in a field that its schema doesn't have. */
import type { Message } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Sealed, SealedSchema } from "../gen/protosource_es/sealed/v1/sealed_v1_pb.js";
import { decodeMessage } from "../serializer/decode-message.js";

/** The number of the field. */
const SEALED_FIELD = 81300;

/** What is sealed of one person in a message, or what stays of that. */
export type Envelope = Pick<Sealed, "keyId" | "subject" | "nonce" | "ciphertext">;

/** Gives what was sealed of a message. Throws for what isn't a `Sealed`. */
export function envelopesOf(message: Message): readonly Sealed[] {
  const fields = message.$unknown ?? [];
  return fields.filter(isEnvelope).map(({ data }) => decodeMessage(SealedSchema, new BinaryReader(data).bytes()));
}

/** Puts what is sealed of a message in the place of what was. */
export function setEnvelopes(message: Message, envelopes: readonly Envelope[]): void {
  const fields = (message.$unknown ?? []).filter((field) => !isEnvelope(field));
  for (const envelope of envelopes) {
    fields.push({ no: SEALED_FIELD, wireType: WireType.LengthDelimited, data: encode(envelope) });
  }
  if (fields.length > 0) message.$unknown = fields;
  else delete message.$unknown;
}

/** Makes what stays of fields whose person was forgotten. */
export function erasedEnvelope(keyId: string): Envelope {
  return { keyId, subject: 0, nonce: NO_BYTES, ciphertext: NO_BYTES };
}

const NO_BYTES = new Uint8Array();

/** Tells whether an envelope is what stays of fields whose person was forgotten: one that is damaged isn't. */
export function isErasedEnvelope({ subject, nonce, ciphertext, $unknown }: Sealed): boolean {
  return subject === 0 && nonce.length === 0 && ciphertext.length === 0 && $unknown === undefined;
}

/**
 * Tells whether a person was forgotten whose fields a message had. They read as empty, unless they were written again.
 * Of messages within it, each tells for itself.
 */
export function isErased(message: Message): boolean {
  return message.$unknown !== undefined && envelopesOf(message).some(isErasedEnvelope);
}

/** Carries on from one message to another that persons were forgotten, as where one is computed from the other. */
export function carryErased(from: Message, to: Message): void {
  if (from.$unknown === undefined) return;
  const known = envelopesOf(to);
  const added = envelopesOf(from).filter(
    (sealed) => isErasedEnvelope(sealed) && !known.some(({ keyId }) => keyId === sealed.keyId),
  );
  if (added.length > 0) setEnvelopes(to, [...known, ...added]);
}

const encoder = new TextEncoder();

/**
 * Writes an envelope behind its length, as `toBinary` writes a `Sealed`, into bytes that are as long as that from the
 * beginning: in less than half of the time.
 */
function encode({ keyId, subject, nonce, ciphertext }: Envelope): Uint8Array {
  const id = encoder.encode(keyId);
  const isErased = subject === 0;
  const length = sizeOf(id) + (isErased ? 0 : 1 + varintSize(subject) + sizeOf(nonce) + sizeOf(ciphertext));
  const bytes = new Uint8Array(varintSize(length) + length);
  let at = writeVarint(bytes, 0, length);
  at = writeField(bytes, at, 1, id);
  if (!isErased) {
    bytes[at] = (2 << 3) | WireType.Varint;
    at = writeVarint(bytes, at + 1, subject);
    at = writeField(bytes, at, 3, nonce);
    writeField(bytes, at, 4, ciphertext);
  }
  return bytes;
}

/** Tells how many bytes a field of bytes takes, whose number is below 16. */
function sizeOf({ length }: Uint8Array): number {
  return 1 + varintSize(length) + length;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}

function writeField(bytes: Uint8Array, at: number, number: number, value: Uint8Array): number {
  bytes[at] = (number << 3) | WireType.LengthDelimited;
  const start = writeVarint(bytes, at + 1, value.length);
  bytes.set(value, start);
  return start + value.length;
}

function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at] = rest;
  return at + 1;
}

function isEnvelope({ no, wireType }: { readonly no: number; readonly wireType: number }): boolean {
  return no === SEALED_FIELD && wireType === WireType.LengthDelimited;
}
