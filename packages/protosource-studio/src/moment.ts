/** Versions and times as the user writes them. */

/** Reads a time as the page writes it, in any of its ways, or as ISO 8601: in microseconds; undefined for what is none. */
export function microsecondsOf(text: string): bigint | undefined {
  const [, micros] = /^(\d+) ?µs$/.exec(text) ?? [];
  if (micros !== undefined) return BigInt(micros);
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
  // A day alone begins where the user is, as all times without a zone.
  const whole = text.replace(/\.\d+/, "").replace(/^([\d-]{10})$/, "$1T00:00");
  const milliseconds = Date.parse(whole);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
}

/** What is told of a text that is no time. */
export const NO_TIME = "Give a time such as 2026-01-31 12:00.";
