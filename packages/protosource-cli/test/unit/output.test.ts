import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createOutput, jsonLine, type Output, printable } from "../../src/output.js";
import { createProgress } from "../../src/progress.js";

/** An output whose streams are terminals, or aren't. */
function recorded(
  isTTY: boolean,
  json = false,
): { output: Output; end(): Promise<{ stdout: string; stderr: string }> } {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const output = createOutput({ stdout, stderr } as never, json, new AbortController().signal);
  return {
    output,
    async end() {
      stdout.end();
      stderr.end();
      return { stdout: await text(stdout), stderr: await text(stderr) };
    },
  };
}

describe("createOutput", () => {
  beforeEach(() => {
    vi.stubEnv("NO_COLOR", undefined);
    vi.stubEnv("FORCE_COLOR", undefined);
    vi.stubEnv("TERM", "xterm");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("aligns the columns of a table, and goes on under the same titles", async () => {
    const { output, end } = recorded(false);
    await output.table(
      ["NAME", "SIZE"],
      [
        ["a", "1"],
        ["longer", "22"],
      ],
    );
    await output.table(["NAME", "SIZE"], [["b", "3"]]);
    expect((await end()).stdout).toBe("NAME    SIZE\na       1\nlonger  22\nb       3\n");
  });

  it("has colours on a terminal only, and not for programs or those who want none", async () => {
    const styled = (isTTY: boolean, json = false): string => recorded(isTTY, json).output.style("red", "x");
    expect(styled(true)).toBe("\u{1b}[31mx\u{1b}[39m");
    expect(styled(false)).toBe("x");
    expect(styled(true, true)).toBe("x");
    vi.stubEnv("NO_COLOR", "1");
    expect(styled(true)).toBe("x");
  });

  it("shows a line of status on a terminal only, and takes it away before anything else", async () => {
    const terminal = recorded(true);
    terminal.output.status("half");
    terminal.output.note("done");
    expect((await terminal.end()).stderr).toBe("\r\u{1b}[2Khalf\r\u{1b}[2Kdone\n");
    const pipe = recorded(false);
    pipe.output.status("half");
    expect((await pipe.end()).stderr).toBe("");
  });
});

describe("createProgress", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("shows share, rate and time left, and not more often than somebody reads", async () => {
    const shown: string[] = [];
    const output = { status: (line: string) => shown.push(line) } as unknown as Output;
    const progress = createProgress(output, "records", 1000, 100);
    vi.advanceTimersByTime(1000);
    progress(200, "5 rows");
    progress(201);
    vi.advanceTimersByTime(1000);
    progress(300);
    expect(shown).toEqual([
      "[####................] 20 %  200 records  100/s  8 s left  5 rows",
      "[######..............] 30 %  300 records  100/s  7 s left",
    ]);
  });

  it("shows what is done where nobody knows the whole", () => {
    const shown: string[] = [];
    const progress = createProgress(
      { status: (line: string) => shown.push(line) } as unknown as Output,
      "lines",
      undefined,
    );
    vi.advanceTimersByTime(2000);
    progress(50);
    expect(shown).toEqual(["50 lines  25/s"]);
  });
});

describe("printable", () => {
  it("shows what a terminal would obey", () => {
    expect(printable("a\u{1b}[31mb\u{7}\u{9b}c\nd\u{202e}e é ✓")).toBe(
      "a\\u{1b}[31mb\\u{7}\\u{9b}c\\u{a}d\\u{202e}e é ✓",
    );
  });
});

describe("jsonLine", () => {
  it("has whole numbers as strings, and bytes as base64", () => {
    expect(jsonLine({ a: 2n ** 60n, b: Uint8Array.of(1, 2), c: undefined })).toBe(
      '{"a":"1152921504606846976","b":"AQI="}',
    );
  });
});
