/** The quickstart, as the process that a newcomer runs. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const quickstart = fileURLToPath(new URL("../../src/quickstart.ts", import.meta.url));

interface Step {
  readonly found: string;
  readonly operations: string;
  readonly writeUnits: number;
  readonly readUnits: number;
}

/** Reads what each step found and cost; the first is at 1. */
function readSteps(output: string): readonly (Step | undefined)[] {
  const steps: (Step | undefined)[] = [undefined];
  for (const [, number, found = "", operations = "", writeUnits, readUnits] of output.matchAll(
    /^(\d+)\. .*\n {4}(.*)\n {4}(.*): ([\d.]+) write units, ([\d.]+) read units$/gm,
  )) {
    expect(Number(number)).toBe(steps.length);
    steps.push({ found, operations, writeUnits: Number(writeUnits), readUnits: Number(readUnits) });
  }
  return steps;
}

describe("the quickstart", () => {
  let output: string;
  let onSqlite: string;
  let steps: readonly (Step | undefined)[];

  beforeAll(async () => {
    const args = ["--conditions=@protosource-es/source", "--import=tsx", quickstart];
    // A status other than 0 rejects.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
    expect(stderr).toBe("");
    [onSqlite = "", output = ""] = stdout.split(/^(?=On dyn)/m);
    steps = readSteps(output);
  });

  it("does the job on an SQLite file first, which survives a restart", () => {
    expect(onSqlite).toMatch(/^On an SQLite file/);
    const found = [...onSqlite.matchAll(/^(\d)\. .*\n {4}(.*)\n {4}[\d.]+ ms$/gm)].map(([, , text]) => text);
    expect(found).toHaveLength(9);
    expect(found[6]).toContain("[version_conflict]");
    expect(found[7]).toBe("c-9 has 2 orders, 1 of them placed");
    expect(found[8]).toBe("versions 1, 2, 3, 4");
  });

  it("says how to move to DynamoDB", () => {
    expect(onSqlite).toContain("new DynamoDBStore(client");
  });

  it("takes eight steps on DynamoDB", () => {
    expect(steps).toHaveLength(1 + 8);
  });

  it("makes both tables", () => {
    expect(steps[1]?.found).toMatch(/^events: created\b.*; aggregates: created\b/);
  });

  it("saves the stream in one transaction, at two write units for each event", () => {
    expect(steps[2]).toMatchObject({ operations: "TransactWriteItems", writeUnits: 8 });
    expect(steps[2]?.found).toMatch(/^4 events\b/);
  });

  it("loads all of it, and its tail, with one query each", () => {
    expect(steps[3]).toMatchObject({ operations: "Query", readUnits: 1 });
    expect(steps[3]?.found.match(/\d+/g)).toEqual(["1", "2", "3", "4"]);
    expect(steps[4]).toMatchObject({ operations: "Query", readUnits: 1 });
    expect(steps[4]?.found.match(/\d+/g)).toEqual(["3", "4"]);
  });

  it("writes the order with its index, and the summary with its two", () => {
    expect(JSON.parse(steps[5]?.found ?? "")).toMatchObject({
      id: "o#1",
      version: "4",
      state: "STATE_PLACED",
      customerName: "Zoë",
      totalCents: "750",
      itemCount: 1,
    });
    expect(steps[5]).toMatchObject({ operations: "Query, PutItem, PutItem", writeUnits: 2 + 3 });
  });

  it("finds the order by its customer and the summary by its state and time", () => {
    for (const [step, words] of [
      [6, ["o#1", "4"]],
      [7, ["o#1", "Zoë", "750"]],
    ] as const) {
      expect(steps[step]).toMatchObject({ operations: "Query", readUnits: 0.5 });
      for (const word of words) expect(steps[step]?.found).toContain(word);
    }
  });

  it("refuses the second writer", () => {
    expect(steps[8]?.found).toContain("[version_conflict]");
    expect(steps[8]?.operations).toBe("PutItem");
  });

  it("ends its engine", async () => {
    const address = /http:\S+/.exec(output)?.[0] ?? "";
    expect(address).not.toBe("");
    await expect(fetch(address)).rejects.toThrow();
  });
});
