/** Where sealed fields are: what was sealed for one place opens in no other. */
import { utf8Length } from "../opaquedata/utf8.js";

/** The place of an event, or a snapshot. */
export function eventPlace(streamId: string, version: bigint): string {
  return `event ${version} ${streamId}`;
}

/** The place of a row. */
export function rowPlace({ pk, sk }: { readonly pk: string; readonly sk: string }): string {
  return `row ${utf8Length(pk)} ${pk}${sk}`;
}

/** The place of a state that is kept in memory. */
export function cachePlace(streamId: string): string {
  return `cache ${streamId}`;
}
