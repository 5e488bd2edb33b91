/** All that the pure part of the package may use of Node's cryptography, in the place of `node:crypto`. */
interface Hash {
  update(data: string | Uint8Array): Hash;
  digest(): Uint8Array;
  digest(encoding: "base64url"): string;
}
interface Cipher {
  setAAD(data: Uint8Array): unknown;
  update(data: Uint8Array): Uint8Array;
  final(): Uint8Array;
}
export function createHash(algorithm: "sha256"): Hash;
export function createHmac(algorithm: "sha256", key: Uint8Array): Hash;
export function createCipheriv(
  algorithm: "aes-256-gcm",
  key: Uint8Array,
  nonce: Uint8Array,
): Cipher & { getAuthTag(): Uint8Array };
export function createDecipheriv(
  algorithm: "aes-256-gcm",
  key: Uint8Array,
  nonce: Uint8Array,
  options: { readonly authTagLength: number },
): Cipher & { setAuthTag(tag: Uint8Array): unknown };
