/**
 * What a caller within this library may tell a store beside the options of a save: that it has read the stream to its
 * end, right before the first record. It spares a store that packs records a look at the end.
 *
 * Where one item holds several versions, a save that says so wrongly makes the stream unreadable. So nothing outside can
 * say it: the key is exported nowhere, and a copy of this library doesn't know it.
 */
import type { SaveOptions } from "./store.js";

const AT_END: unique symbol = Symbol("at end");

/** Adds to the options of a save that the stream was read to its end. A store that wraps another passes it on with them. */
export function atEnd<O extends SaveOptions>(options: O): O {
  return { ...options, [AT_END]: true };
}

/** Tells whether the options say so. */
export function isAtEnd(options: SaveOptions): boolean {
  return AT_END in options;
}
