/** The program of the hotel, as the process that a newcomer runs. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

it("shows who has a room, what is taken on which day, and each mail once", async () => {
  const args = ["--conditions=@protosource-es/source", "--import=tsx", main];
  // A status other than 0 rejects.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  expect(stderr).toBe("");
  const months = stdout.split(/^(?=\S.*\n {4})/m).map((part) => part.match(/[\d-]+: \d booked, \d paid/g) ?? []);
  expect(months.filter((days) => days.length > 0)).toEqual([
    ["2026-05-01: 1 booked, 1 paid", "2026-05-02: 2 booked, 1 paid", "2026-05-03: 1 booked, 0 paid"],
    ["2026-05-01: 1 booked, 1 paid", "2026-05-02: 1 booked, 1 paid", "2026-05-03: 0 booked, 0 paid"],
    ["2026-05-01: 1 booked, 1 paid", "2026-05-02: 1 booked, 1 paid", "2026-05-03: 1 booked, 0 paid"],
  ]);
  expect([...stdout.matchAll(/mail to (\w+)/g)].map(([, name]) => name).toSorted()).toEqual(["ann", "bob", "cid"]);
  expect(stdout).toContain("cid@example.com is refused");
});
