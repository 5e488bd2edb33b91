/** Versions and times as the user writes them. */

/**
 * Reads a time as the page writes it, in any of its ways, or as ISO 8601: in microseconds; undefined for what is none. Of the
 * moments that are written alike, since not all digits of a second are, it is the first, and with `9` the last.
 */
export function microsecondsOf(text: string, digit: "0" | "9" = "0"): bigint | undefined {
  const [, micros] = /^(\d+) ?µs$/.exec(text) ?? [];
  if (micros !== undefined) return BigInt(micros);
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
  // A day alone is one where the user is, as all times without a zone.
  const whole = text.replace(/\.\d+/, "").replace(/^([\d-]{10})$/, digit === "9" ? "$1T23:59:59" : "$1T00:00");
  const milliseconds = Date.parse(whole);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, digit));
}

/** What is told of a text that is no time. */
export const NO_TIME = "Give a time such as 2026-01-31 12:00.";
