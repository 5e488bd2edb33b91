import type { JsonValue } from "@bufbuild/protobuf";
import { isJsonObject } from "../json-diff.js";

/** As much as a line shows. */
const TEXT_LENGTH = 120;

/** Gives the beginning of a message's fields in a line, without those that are `elsewhere`. */
export function fieldsText(json: JsonValue, elsewhere: readonly string[]): string {
  const text = Object.entries(isJsonObject(json) ? json : {})
    .filter(([name]) => !elsewhere.includes(name))
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");
  return text.length > TEXT_LENGTH ? `${text.slice(0, TEXT_LENGTH)}…` : text;
}
