/**
 * Keys as the tables hold them: the text itself, but for its first two characters. libsql and `node:sqlite` read a text
 * only up to U+0000, so that no stored text has one. Order and prefixes stay as they are.
 */

import { ProtosourceError } from "../errors.js";
import type { StoredBytes } from "./connection.js";

const NUL = "\0";
const ESCAPE = "\u{1}";
const ESCAPED_NUL = "\u{1}\u{1}";
const ESCAPED_ESCAPE = "\u{1}\u{2}";

/** Gives the text to store for a key. */
export function encodeKey(key: string): string {
  return key.includes(ESCAPE) || key.includes(NUL)
    ? key.replaceAll(ESCAPE, ESCAPED_ESCAPE).replaceAll(NUL, ESCAPED_NUL)
    : key;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Gives a text that was read as bytes. Throws `corrupt_record` for bytes that are none. */
export function textOf(stored: StoredBytes): string {
  try {
    return decoder.decode(stored);
  } catch (cause) {
    throw new ProtosourceError(
      "corrupt_record",
      "the database file is damaged, and holds a key that isn't UTF-8: restore it from a copy",
      { key: "a key" },
      { cause },
    );
  }
}

/** Gives the key of a stored text. Throws `corrupt_record` for what is no text. */
export function decodeKey(stored: StoredBytes): string {
  const text = textOf(stored);
  return text.includes(ESCAPE) ? text.replaceAll(ESCAPED_NUL, NUL).replaceAll(ESCAPED_ESCAPE, ESCAPE) : text;
}

/**
 * Gives the first text, in the order of UTF-8 bytes, that comes after all that begin with `prefix`; undefined when
 * nothing comes after them.
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // What lies between are halves of surrogate pairs, which are no characters.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}
