/** What the simulated mapping does with a function's answers. */
import { type MappedRecord, type MappingOptions, runMapping } from "protosource-es/testing/faults";
import { describe, expect, it } from "vitest";

const RECORDS: readonly MappedRecord[] = Array.from({ length: 8 }, (_, i) => ({
  dynamodb: { Keys: { a: { S: "s" }, v: { N: String(i + 1) } }, SequenceNumber: String(100 + i) },
}));

function numbersOf(records: readonly MappedRecord[]): string {
  return records.map(({ dynamodb }) => dynamodb?.SequenceNumber).join(" ");
}

/** Runs a mapping whose function answers one after another, and then that all is done. */
async function run(answers: readonly unknown[], options: MappingOptions = {}) {
  const left = [...answers];
  const batches: string[] = [];
  const report = await runMapping(
    RECORDS,
    async ({ Records }) => {
      batches.push(numbersOf(Records));
      const answer = left.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    { batchSize: 4, ...options },
  );
  return { ...report, batches };
}

function failing(...numbers: readonly (string | null)[]): object {
  return { batchItemFailures: numbers.map((itemIdentifier) => ({ itemIdentifier })) };
}

const [FIRST, SECOND] = ["100 101 102 103", "104 105 106 107"];

describe("runMapping", () => {
  it.each([[undefined], [null], [{}], [failing()]])("takes %j for a batch that is done", async (answer) => {
    expect((await run([answer, answer])).batches).toEqual([FIRST, SECOND]);
  });

  it("repeats from the lowest number on that is named, what is done behind it too", async () => {
    const { batches } = await run([failing("103", "101")]);
    expect(batches).toEqual([FIRST, "101 102 103", SECOND]);
  });

  it.each([[failing("")], [failing(null)], [failing("999")], [{ batchItemFailures: "101" }], [new Error("x")]])(
    "takes %j for a failure of the whole batch",
    async (answer) => {
      expect((await run([answer], { bisect: false })).batches).toEqual([FIRST, FIRST, SECOND]);
      expect((await run([answer])).batches).toEqual([FIRST, "100 101", "102 103", SECOND]);
    },
  );

  it("throws away what fails too often, and then goes on", async () => {
    const answers = Array.from({ length: 3 }, () => new Error("x"));
    const { batches, discarded } = await run(answers, { bisect: false, maximumRetryAttempts: 2 });
    expect(batches).toEqual([FIRST, FIRST, FIRST, SECOND]);
    expect(numbersOf(discarded)).toBe(FIRST);
  });

  it("isolates one record that always fails", async () => {
    const { discarded } = await runMapping(
      RECORDS,
      async ({ Records }) => {
        if (numbersOf(Records).includes("102")) throw new Error("x");
      },
      { maximumRetryAttempts: 1 },
    );
    expect(numbersOf(discarded)).toBe("102");
  });

  it("brings batches again, in disorder, and in lanes, and each record at least once", async () => {
    const { batches, redelivered } = await run([], { redelivered: 1, shuffled: 1, lanes: 10 });
    const numbers = batches.flatMap((batch) => batch.split(" "));
    expect(numbers.length).toBe(2 * RECORDS.length);
    expect(redelivered).toBe(batches.length / 2);
    expect(new Set(numbers)).toEqual(new Set(numbersOf(RECORDS).split(" ")));
    expect((await run([], { shuffled: 1, seed: 2 })).batches).not.toEqual([FIRST, SECOND]);
  });

  it("keeps the order of one item's records, whatever it does with the others", async () => {
    const records = ["INSERT", "MODIFY", "REMOVE"].flatMap((eventName, i) =>
      ["1", "2"].map((N, j) => ({ eventName, dynamodb: { Keys: { v: { N } }, SequenceNumber: String(10 * i + j) } })),
    );
    const seen: { eventName: string; dynamodb: { Keys: { v: { N: string } } } }[] = [];
    await runMapping(records, async ({ Records }) => void seen.push(...(Records as typeof seen)), {
      shuffled: 1,
      lanes: 3,
    });
    for (const item of ["1", "2"]) {
      const names = seen.filter(({ dynamodb }) => dynamodb.Keys.v.N === item).map(({ eventName }) => eventName);
      expect(names).toEqual(["INSERT", "MODIFY", "REMOVE"]);
    }
  });
});
