/** How little there is to write for what events cause. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** Counts the lines of a file that say something: neither imports, nor comments, nor empty ones. */
function linesOf(file: string): number {
  const text = readFileSync(new URL(`../src/${file}`, import.meta.url), "utf8");
  return text
    .replace(/^import\b[^;]*;$/gm, "")
    .replace(/\/\*\*.*?\*\//gs, "")
    .split("\n")
    .filter((line) => !/^\s*(\/\/.*)?$/.test(line)).length;
}

it.each([
  ["occupancy.ts", "a read model over all bookings", 20],
  ["confirmation.ts", "a mail for each booking", 15],
  ["book-room.ts", "a room and a booking in one transaction", 8],
])("%s, %s, has at most %i lines", (file, _, budget) => {
  const lines = linesOf(file);
  expect(lines).toBeGreaterThan(budget / 2);
  expect(lines).toBeLessThanOrEqual(budget);
});
