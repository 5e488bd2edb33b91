/** The cryptography: AES-256-GCM, HMAC-SHA-256, and what is made of them. */
import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";

/** How long a key is, in bytes. */
export const KEY_BYTES = 32;

const NONCE_BYTES = 12;

/** How long what proves a ciphertext is, in bytes. */
const TAG_BYTES = 16;

const encoder = new TextEncoder();

/** How much of an HMAC stands for a value, in characters of 6 bits: too much for two values to have the same. */
const BLIND_LENGTH = 22;

/**
 * Seals bytes. It gives the same for the same key, place and bytes, so that what is written again is the same: the nonce
 * is an HMAC of place and bytes, and comes again for nothing else.
 */
export function encrypt(
  key: Uint8Array,
  plaintext: Uint8Array,
  place: string,
): { readonly nonce: Uint8Array; readonly ciphertext: Uint8Array } {
  const aad = encoder.encode(place);
  const hmac = createHmac("sha256", nonceKeyOf(key)).update(`${aad.length}\n${place}`).update(plaintext);
  const nonce = hmac.digest().subarray(0, NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(aad);
  const sealed = cipher.update(plaintext);
  cipher.final();
  const ciphertext = new Uint8Array(sealed.length + TAG_BYTES);
  ciphertext.set(sealed);
  ciphertext.set(cipher.getAuthTag(), sealed.length);
  return { nonce, ciphertext };
}

/** Opens what {@link encrypt} has sealed. Throws for another key or place, and for anything that was changed. */
export function decrypt(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, place: string): Uint8Array {
  const end = ciphertext.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(encoder.encode(place));
  decipher.setAuthTag(ciphertext.subarray(end));
  const plaintext = decipher.update(ciphertext.subarray(0, end));
  decipher.final();
  return plaintext;
}

/** Gives what stands for a value where it must be found and not read: the same for the same secret, name and value. */
export function blindText(secret: Uint8Array, name: string, value: string): string {
  return createHmac("sha256", secret).update(`${name}\n${value}`).digest("base64url").slice(0, BLIND_LENGTH);
}

/** Gives the SHA-256 of a text, in the characters of base64url. */
export function digestText(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** Makes bytes by chance. */
export function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

const nonceKeys = new WeakMap<Uint8Array, Uint8Array>();

/** The key of the HMACs that make nonces: apart from the one of the cipher, as no key should have two uses. */
function nonceKeyOf(key: Uint8Array): Uint8Array {
  let nonceKey = nonceKeys.get(key);
  if (nonceKey === undefined) {
    nonceKey = createHmac("sha256", key).update("protosource nonce").digest();
    nonceKeys.set(key, nonceKey);
  }
  return nonceKey;
}
