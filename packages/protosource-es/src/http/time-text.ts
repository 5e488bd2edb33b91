/** Times in microseconds since 1970, and their texts of ISO 8601. */

/** The years that have four digits. */
const LEAST = -62_135_596_800_000_000n;
const MOST = 253_402_300_799_999_999n;

const TEXT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Gives the text of a time, with 3 or 6 digits for a part of a second, or none; undefined for a year of other than four. */
export function timeText(micros: bigint): string | undefined {
  if (micros < LEAST || micros > MOST) return undefined;
  const part = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - part) / 1000n)).toISOString().slice(0, 19);
  if (part === 0n) return `${seconds}Z`;
  return `${seconds}.${String(part).padStart(6, "0").replace(/000$/, "")}Z`;
}

/** Reads the text of a time, as digits; undefined for a text that is none. What is less than a microsecond is left out. */
export function microsOf(text: string): string | undefined {
  const [, seconds, part = "", zone] = TEXT.exec(text) ?? [];
  const millis = Date.parse(`${seconds}${zone}`);
  return Number.isNaN(millis) ? undefined : String(BigInt(millis) * 1000n + BigInt(part.padEnd(6, "0").slice(0, 6)));
}
