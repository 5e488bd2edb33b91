import { usageError } from "./failure.js";

/** Where to stop: after a version, or before the first event later than a time. */
export interface Moment {
  isPast(record: { readonly version: bigint }, at: bigint | undefined): boolean;
  /** Whether all that follows what is past is past too: versions ascend, and the times of events needn't. */
  readonly isFinal: boolean;
}

/** Reads a version, or a time such as `2026-01-31T12:00:00Z`. Throws `invalid_argument`, naming the option. */
export function parseMoment(text: string, option: string): Moment {
  if (/^\d{1,19}$/.test(text)) {
    const last = BigInt(text);
    return { isPast: ({ version }) => version > last, isFinal: true };
  }
  const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
  const milliseconds = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.replace(/\.\d+/, "")) : Number.NaN;
  if (Number.isNaN(milliseconds)) {
    throw usageError(
      option,
      `${option} is ${JSON.stringify(text)}: give a version, or a time such as 2026-01-31T12:00:00Z`,
    );
  }
  const time = BigInt(milliseconds) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
  return { isPast: (_, at) => at !== undefined && at > time, isFinal: false };
}
