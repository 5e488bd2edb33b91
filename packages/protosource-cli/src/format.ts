/** Values as people read them. */
import { usageError } from "./failure.js";

/** The last second that a date can hold: the end of the year 9999. */
const LAST_SECOND = 253_402_300_799n;

/** Gives a time in microseconds since the Unix epoch in the notation of ISO 8601. */
export function isoTime(microseconds: bigint): string {
  const seconds = microseconds / 1_000_000n;
  if (microseconds < 0n || seconds > LAST_SECOND) return `${microseconds} µs`;
  const fraction = (microseconds % 1_000_000n).toString().padStart(6, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** Gives a time in seconds since the Unix epoch in the notation of ISO 8601. */
export function isoSeconds(seconds: bigint): string {
  return isoTime(seconds * 1_000_000n).replace(".000000Z", "Z");
}

/** Gives a number of things, such as `1 stream` or `2 streams`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** Gives a number of bytes in the largest unit that leaves something before the point. */
export function byteSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** Gives a number of seconds as hours, minutes and seconds. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

/** Reads a whole number from `least` to `most`. Throws `invalid_argument`, naming the option. */
export function wholeNumber(text: string, option: string, least = 1, most: number = Number.MAX_SAFE_INTEGER): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw usageError(option, `${option} is ${JSON.stringify(text)}: give a whole number ${range}`);
}

/** Gives the name of a message without its package. */
export function shortName(typeName: string): string {
  return typeName.slice(typeName.lastIndexOf(".") + 1);
}
