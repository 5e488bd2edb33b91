import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { compareUtf8 } from "protosource-es/opaquedata";
import { StoredRecordSchema } from "protosource-es/proto";
import { OpaqueDataSchema } from "protosource-es/proto/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTally, eventLine, parseLine, rowLine } from "../../src/transfer/entries.js";
import { checkExport } from "../../src/transfer/read-export.js";
import { readLines } from "../../src/transfer/read-lines.js";
import { sortedLines } from "../../src/transfer/sort-lines.js";

const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));

const int64 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const key = fc.string({ unit: "binary", minLength: 1, maxLength: 20 });
const data = fc.uint8Array({ maxLength: 100 });

const events = fc
  .record(
    { aggregateId: key, version: int64.map((value) => value || 1n), ttl: int64, data, meta: data },
    { requiredKeys: ["aggregateId", "version", "ttl", "data"] },
  )
  .map(({ aggregateId, ...record }) => ({ aggregateId, record: create(StoredRecordSchema, record), following: 0 }));
const rows = fc
  .record(
    { pk: key, sk: key, t: int64, version: int64, body: data, gsi3pk: key, gsi20sk: key },
    { requiredKeys: ["pk", "sk"] },
  )
  .map((fields) => create(OpaqueDataSchema, fields));

describe("the lines of an export", () => {
  it("are read as what was written", () => {
    fc.assert(
      fc.property(events, (scanned) => {
        const { aggregateId: streamId, record } = scanned;
        expect(parseLine(eventLine(scanned))).toEqual({ kind: "event", streamId, record });
      }),
    );
    fc.assert(
      fc.property(rows, (row) => {
        expect(parseLine(rowLine(row))).toEqual({ kind: "row", row });
      }),
    );
  });

  it("are one line each, whatever they hold", () => {
    fc.assert(fc.property(rows, (row) => !rowLine(row).includes("\n")));
  });

  it("sum up the same in any order, and in two goes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.nat())), fc.nat(), (lines, cut) => {
        const whole = createTally();
        for (const [line, bytes] of lines) whole.add(line, bytes, "event");
        const backwards = lines.toReversed();
        const first = createTally();
        for (const [line, bytes] of backwards.slice(0, cut)) first.add(line, bytes, "event");
        const second = createTally(first.totals());
        for (const [line, bytes] of backwards.slice(cut)) second.add(line, bytes, "event");
        expect(second.totals()).toEqual(whole.totals());
      }),
    );
  });
});

describe("sortedLines", () => {
  it("gives the order of an export, however little fits into memory", async () => {
    const line = fc.oneof(events.map(eventLine), rows.map(rowLine));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3000 }),
        async (lines, runLength) => {
          const path = join(folder, "lines");
          writeFileSync(path, lines.map((text) => `${text}\n`).join(""));
          const sorted: string[] = [];
          for await (const text of sortedLines(path, (run) => join(folder, `run-${run}`), undefined, runLength))
            sorted.push(text);
          expect(sorted.toSorted()).toEqual(lines.toSorted());
          const keys = sorted.map((text) => {
            const entry = parseLine(text);
            if (entry.kind === "event") return ["0", entry.streamId, entry.record.version.toString().padStart(19, "0")];
            return entry.kind === "row" ? ["1", entry.row.pk, entry.row.sk] : [];
          });
          for (const [i, [kind = "", hash = "", range = ""]] of keys.entries()) {
            const [nextKind = "2", nextHash = "", nextRange = ""] = keys[i + 1] ?? [];
            const order = compareUtf8(kind, nextKind) || compareUtf8(hash, nextHash) || compareUtf8(range, nextRange);
            expect(order).toBeLessThanOrEqual(0);
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(existsSync(join(folder, "run-0"))).toBe(true);
  });
});

describe("an interruption", () => {
  const path = join(folder, "long");
  const record = create(StoredRecordSchema, { version: 1n, data: new Uint8Array(100) });
  const line = eventLine({ aggregateId: "example_app_order_v1#o-1", record, following: 0 });
  beforeAll(() => writeFileSync(path, `${line}\n`.repeat(40_000)));

  it("ends the check of a file", async () => {
    const controller = new AbortController();
    let checked = 0;
    const check = checkExport(
      path,
      true,
      (lines) => {
        checked = lines;
        controller.abort();
      },
      controller.signal,
    );
    await expect(check).rejects.toMatchObject({ code: "cancelled" });
    expect(checked).toBeLessThan(40_000);
  });

  it("ends the sorting of a file, before its first line", async () => {
    const lines = sortedLines(path, (run) => join(folder, `sorted-${run}`), AbortSignal.abort());
    await expect(lines.next()).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("readLines", () => {
  const read = async (content: Buffer | string, offset = 0, lines = 0): Promise<[string, number, number][]> => {
    const path = join(folder, "text");
    writeFileSync(path, content);
    const found: [string, number, number][] = [];
    for await (const { text, number, end } of readLines(path, { offset, lines })) found.push([text, number, end]);
    return found;
  };

  it("ends a line at a line feed, and nowhere else", async () => {
    expect(await read("é\u2028\r\nb\n\nc")).toEqual([
      ["é\u2028\r", 1, 7],
      ["b", 2, 9],
      ["", 3, 10],
      ["c", 4, 11],
    ]);
  });

  it("goes on where it was told to", async () => {
    expect(await read("aa\nbb\ncc\n", 3, 1)).toEqual([
      ["bb", 2, 6],
      ["cc", 3, 9],
    ]);
  });

  it("reads lines that are longer than what it reads at once", async () => {
    const long = "x".repeat(3_000_000);
    const found = await read(`${long}\ny\n`);
    expect(found.map(([text]) => text.length)).toEqual([3_000_000, 1]);
    expect(readFileSync(join(folder, "text"), "utf8")).toHaveLength(3_000_003);
  });
});
