import type { JSX } from "preact";

const WIDTH = 150;
const HEIGHT = 22;

/** Draws how a number has changed. */
export function Sparkline({ label, values }: { label: string; values: readonly number[] }): JSX.Element {
  const most = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  // A single value is a line, too.
  const drawn = values.length === 1 ? [...values, ...values] : values;
  const points = drawn.map(
    (value, i) => `${(i * step).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`,
  );
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <polyline points={points.join(" ")} />
    </svg>
  );
}
