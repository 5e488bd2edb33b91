/**
 * Stands for `node:crypto` in a browser: digests, and nothing that would need a key. There is none in a page, so what is
 * sealed stays sealed.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** What becomes a digest. */
interface Hash {
  update(part: Uint8Array | string): Hash;
  digest(encoding: "hex"): string;
}

/** Makes a SHA-256, the one digest that is needed. */
export function createHash(_: "sha256"): Hash {
  const hash = sha256.create();
  return {
    update(part) {
      hash.update(typeof part === "string" ? utf8ToBytes(part) : part);
      return this;
    },
    digest: () => bytesToHex(hash.digest()),
  };
}

function needsKey(): never {
  throw new Error("a page has no keys: personal fields stay sealed in it");
}

export { needsKey as createCipheriv, needsKey as createDecipheriv, needsKey as createHmac, needsKey as randomBytes };
