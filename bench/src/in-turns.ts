/** Tasks that are compared within one process, which has what the machine does meanwhile hit all of them. */

const SLICES = 40;
const WARM_UP = 40;

/** Gives the processor's time of each task for one of `count` things that it does, in slices that take turns. */
export async function inTurns<N extends string>(
  count: number,
  tasks: Readonly<Record<N, () => Promise<unknown>>>,
): Promise<Record<N, readonly number[]>> {
  const names = Object.keys(tasks) as N[];
  const costs = mapValues(tasks, (): number[] => []);
  for (let slice = -WARM_UP; slice < SLICES; slice++) {
    for (const name of slice % 2 === 0 ? names : names.toReversed()) {
      const before = process.cpuUsage();
      await tasks[name]();
      const { user, system } = process.cpuUsage(before);
      if (slice >= 0) costs[name].push((user + system) / count);
    }
  }
  return costs;
}

/** Changes the values of an object. */
export function mapValues<N extends string, A, B>(
  values: Readonly<Record<N, A>>,
  change: (value: A) => B,
): Record<N, B> {
  const entries = Object.entries(values) as [N, A][];
  return Object.fromEntries(entries.map(([name, value]) => [name, change(value)])) as Record<N, B>;
}

/** Shows microseconds. */
export function us(microseconds: number): string {
  return `${microseconds.toFixed(1)} µs`;
}
