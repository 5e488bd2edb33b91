/** The JSON of answers. A page of events is most of what a store reads, and is read here in half the time. */
import type { Item } from "./limits.js";

/**
 * Parses the JSON of an answer, as `JSON.parse` does.
 *
 * Where the items are a stream's, with nothing but numbers and bytes in attributes of one letter, they are picked out of
 * the text by hand. Their text stays in memory as long as one of their values does.
 */
export function parseAnswer(text: string): unknown {
  const start = text.indexOf(ITEMS);
  // Without a backslash, a quote ends a text and `ITEMS` can't be part of one.
  if (start < 0 || text.includes("\\")) return JSON.parse(text);
  const picked = pickItems(text, start + ITEMS.length);
  if (picked === undefined || text.includes(ITEMS, picked.end)) return JSON.parse(text);
  const rest = JSON.parse(`${text.slice(0, start)}${ITEMS}]${text.slice(picked.end)}`) as { Items: unknown };
  if (!Array.isArray(rest.Items)) return JSON.parse(text);
  rest.Items = picked.items;
  return rest;
}

const ITEMS = '"Items":[';

const QUOTE = code('"');
const COLON = code(":");
const COMMA = code(",");
const OPEN = code("{");
const CLOSE = code("}");
const END = code("]");
const NUMBER = code("N");
const BYTES = code("B");

function code(letter: string): number {
  return letter.charCodeAt(0);
}

/** Reads items up to the end of their list. Undefined at anything that isn't such an item. */
function pickItems(text: string, start: number): { readonly items: Item[]; readonly end: number } | undefined {
  const items: Item[] = [];
  let at = start;
  do {
    if (text.charCodeAt(at) !== OPEN) return undefined;
    const item: Item = {};
    do {
      // Such as ,"v":{"N":"17"} with the first letter read.
      const isAttribute =
        text.charCodeAt(at + 1) === QUOTE &&
        text.charCodeAt(at + 3) === QUOTE &&
        text.charCodeAt(at + 4) === COLON &&
        text.charCodeAt(at + 5) === OPEN &&
        text.charCodeAt(at + 6) === QUOTE &&
        text.charCodeAt(at + 8) === QUOTE &&
        text.charCodeAt(at + 9) === COLON &&
        text.charCodeAt(at + 10) === QUOTE;
      const valueEnd = text.indexOf('"', at + 11);
      if (!isAttribute || valueEnd < 0 || text.charCodeAt(valueEnd + 1) !== CLOSE) return undefined;
      const value = text.slice(at + 11, valueEnd);
      const type = text.charCodeAt(at + 7);
      if (type === NUMBER) item[text.charAt(at + 2)] = { N: value };
      else if (type === BYTES) item[text.charAt(at + 2)] = { B: value as unknown as Uint8Array };
      else return undefined;
      at = valueEnd + 2;
    } while (text.charCodeAt(at) === COMMA);
    if (text.charCodeAt(at) !== CLOSE) return undefined;
    items.push(item);
    at++;
  } while (text.charCodeAt(at++) === COMMA);
  return text.charCodeAt(at - 1) === END ? { items, end: at } : undefined;
}
