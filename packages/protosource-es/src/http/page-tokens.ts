/** Tokens of pages that only their caller can use, and nobody can read. */
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { invalid } from "../errors.js";

/** Seals the cursors of one kind of page for one caller. */
export interface PageTokens {
  seal(cursor: string, holder: string): Promise<string>;
  /** Throws `invalid_argument` for a token that isn't the holder's. */
  open(token: string, holder: string): Promise<string>;
}

const IV_BYTES = 12;

/** Makes tokens of a secret, which is the same for all who answer for a service: AES-GCM with a key of its SHA-256. */
export function pageTokens(secret: string): PageTokens {
  let made: ReturnType<typeof crypto.subtle.importKey> | undefined;
  const key = (): NonNullable<typeof made> => {
    made ??= crypto.subtle
      .digest("SHA-256", utf8(secret))
      .then((hash) => crypto.subtle.importKey("raw", hash, "AES-GCM", false, ["encrypt", "decrypt"]));
    return made;
  };
  return {
    async seal(cursor, holder) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await crypto.subtle.encrypt(algorithm(iv, holder), await key(), utf8(cursor));
      return base64Encode(Uint8Array.of(...iv, ...new Uint8Array(sealed)), "url");
    },
    async open(token, holder) {
      try {
        const bytes = new Uint8Array(base64Decode(token));
        const [iv, sealed] = [bytes.slice(0, IV_BYTES), bytes.slice(IV_BYTES)];
        return new TextDecoder().decode(await crypto.subtle.decrypt(algorithm(iv, holder), await key(), sealed));
      } catch (cause) {
        throw invalid("page_token", "the page_token isn't of this query and caller: begin anew", { cause });
      }
    },
  };
}

/** The holder is authenticated with the cursor, so that it opens for nobody else. */
function algorithm(iv: Uint8Array<ArrayBuffer>, holder: string) {
  return { name: "AES-GCM", iv, additionalData: utf8(holder) };
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}
