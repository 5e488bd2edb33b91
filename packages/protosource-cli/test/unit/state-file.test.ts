/** What is kept of a long piece of work is either exactly that, or refused. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { openStateFile } from "../../src/state-file.js";

const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "state.json");
const job = { rebuild: "sqlite:orders.db", segments: 4 };
const progress = { segments: [{ done: false, cursor: "c-1" }], counts: { records: 12 } };

const open = (resume: boolean): ReturnType<typeof openStateFile<unknown>> =>
  openStateFile(path, "--state", job, resume);

beforeEach(() => {
  rmSync(path, { force: true });
  open(false).update(progress);
});

describe("openStateFile", () => {
  it("gives back what was kept", () => {
    expect(open(true).resumed).toEqual(progress);
  });

  const kept = (): { progress: unknown; digest: unknown } => JSON.parse(readFileSync(path, "utf8"));
  it.each<[string, () => unknown]>([
    ["no object", () => null],
    ["a list", () => []],
    ["nothing", () => ({})],
    ["no progress", () => ({ job })],
    ["progress of another shape", () => ({ ...kept(), progress: { segments: 4 } })],
    ["progress that was changed", () => ({ ...kept(), progress: { ...progress, counts: { records: 13 } } })],
    ["no digest, as another version wrote it", () => ({ ...kept(), digest: undefined })],
  ])("refuses %s, and says what to do", (_, change) => {
    writeFileSync(path, JSON.stringify(change()));
    const refused = { code: "invalid_argument", rawMessage: expect.stringMatching(/leave --resume out/) };
    expect(() => open(true)).toThrow(expect.objectContaining(refused));
  });

  it("doesn't take the place of a file that is something else", () => {
    writeFileSync(path, "notes");
    expect(() => open(false)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(readFileSync(path, "utf8")).toBe("notes");
  });

  it("begins anew over a state, whatever work it was of", () => {
    expect(openStateFile(path, "--state", { other: true }, false).resumed).toBeUndefined();
  });

  it("says whether there is anything to go on from", () => {
    rmSync(path);
    expect(open(false).flush()).toBe(false);
    expect(existsSync(path)).toBe(false);
    const state = open(false);
    state.update(progress);
    expect(state.flush()).toBe(true);
    expect(open(true).flush()).toBe(true);
  });
});
