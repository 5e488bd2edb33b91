/** How many random runs of subscriptions are made: few in each run of the tests, more by `npm run soak:seeds`. */

/** Gives as many seeds as a test makes by itself, times what the environment says. */
export function seeds(few: number): number[] {
  const factor = Number(process.env["SEED_FACTOR"] ?? 1);
  return Array.from({ length: few * factor }, (_, i) => i + 1);
}
