/** What was sealed of a message, in a field that its schema doesn't have. */
import { create, type Message } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Sealed, SealedSchema } from "../gen/protosource_es/sealed/v1/sealed_v1_pb.js";
import { decodeMessage } from "../serializer/decode-message.js";

/** The number of the field. */
const SEALED_FIELD = 81300;

/** Gives what was sealed of a message. Throws for what isn't a `Sealed`. */
export function envelopesOf(message: Message): readonly Sealed[] {
  const fields = message.$unknown ?? [];
  return fields.filter(isEnvelope).map(({ data }) => decodeMessage(SealedSchema, new BinaryReader(data).bytes()));
}

/** Puts what is sealed of a message in the place of what was. */
export function setEnvelopes(message: Message, envelopes: readonly Sealed[]): void {
  const fields = (message.$unknown ?? []).filter((field) => !isEnvelope(field));
  for (const sealed of envelopes) {
    fields.push({ no: SEALED_FIELD, wireType: WireType.LengthDelimited, data: encode(sealed) });
  }
  if (fields.length > 0) message.$unknown = fields;
  else delete message.$unknown;
}

/** Makes what stays of fields whose person was forgotten. */
export function erasedEnvelope(keyId: string): Sealed {
  return create(SealedSchema, { keyId });
}

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

/** Writes a `Sealed` behind its length. It takes a third of the time that `toBinary` does. */
function encode({ keyId, subject, nonce, ciphertext }: Sealed): Uint8Array {
  const writer = new BinaryWriter().fork().tag(1, WireType.LengthDelimited).string(keyId);
  if (subject !== 0) {
    writer.tag(2, WireType.Varint).int32(subject);
    writer.tag(3, WireType.LengthDelimited).bytes(nonce);
    writer.tag(4, WireType.LengthDelimited).bytes(ciphertext);
  }
  return writer.join().finish();
}

function isEnvelope({ no, wireType }: { readonly no: number; readonly wireType: number }): boolean {
  return no === SEALED_FIELD && wireType === WireType.LengthDelimited;
}
