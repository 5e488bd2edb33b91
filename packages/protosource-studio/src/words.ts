/** Values as people read them. */
import type { Cost } from "protosource-cli/studio";
import { times } from "./settings.js";

/** The last moment that a date can hold. */
const LAST_MS = 8_640_000_000_000_000n;

/** Writes a time in microseconds since the Unix epoch as the user wants times. */
export function timeText(microseconds: string | undefined): string {
  if (microseconds === undefined) return "";
  const at = BigInt(microseconds);
  const milliseconds = at / 1000n;
  if (times.value === "µs" || at < 0n || milliseconds > LAST_MS) return `${at} µs`;
  const date = new Date(Number(milliseconds));
  if (times.value === "UTC") return `${date.toISOString().slice(0, 23).replace("T", " ")}Z`;
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The fields that hold times in microseconds wherever they are, as the HTTP handler has them too. */
const TIME_FIELD = /(?:^|\.)(?:at|createAt|modifyAt)$/;

/** Writes a text that is the value at a path of JSON: as a time where it is known to be one. */
export function valueText(path: string, text: string): string {
  return TIME_FIELD.test(path) && /^\d{16}$/.test(text) ? timeText(text) : text;
}

/** Writes a number with its thousands apart. */
export function numberText(value: number | string): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** Writes a number of things, such as `1 stream` or `2 streams`. */
export function counted(count: number, thing: string): string {
  return `${numberText(count)} ${thing}${count === 1 ? "" : "s"}`;
}

/** Writes what was asked of a store that charges for it. */
export function costText({ requests, readUnits }: Cost): string {
  return `${counted(requests, "request")}, ${counted(readUnits, "read unit")}`;
}

/** Writes a message with what turns the direction of writing as it is in code: it may quote what strangers have stored. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Bidi_Control}/gu, (one) => `\\u{${one.charCodeAt(0).toString(16)}}`);
}

/** Writes a number of bytes in the largest unit that leaves something before the point. */
export function byteText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
