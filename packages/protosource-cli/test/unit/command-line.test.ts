/** Command lines to be copied: a shell reads them as they were meant. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { commandLine, commandLineOn } from "../../src/command-line.js";

/** Gives the words of each line, as a shell has them. */
function wordsOf(lines: readonly string[]): readonly (readonly string[])[] {
  const script = `protosource() { printf '%s\\0' "$@"; printf '\\0'; }\n${lines.join("\n")}`;
  const printed = execFileSync("bash", ["-s"], { input: script, encoding: "utf8", env: { LC_ALL: "C.UTF-8" } });
  return printed
    .split("\0\0")
    .slice(0, -1)
    .map((words) => words.split("\0"));
}

const HOSTILE = [
  "it's",
  "$HOME `id` $(id)",
  "a\nb\r",
  "\u0015id\n",
  "\u001b[201~id\n",
  "~",
  "!!",
  "\\'",
  "#x",
  "\u009b",
  "é",
  "a\u202e--yrd 1",
  "{a,b}",
];

it("are read by a shell as the words that they were made of, whatever these hold", () => {
  const word = fc
    .oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary", minLength: 1 }))
    // What no list of words can hold.
    .map((text) => text.replaceAll("\0", "0"))
    .filter((text) => !/\p{Cs}/u.test(text));
  const all = [...HOSTILE.map((one) => [one]), ...fc.sample(fc.array(word, { minLength: 1, maxLength: 3 }), 100)];
  const lines = all.map(commandLine);
  expect(wordsOf(lines)).toEqual(all);
  // What a terminal would obey that they are pasted to, and what has them read as another line.
  expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
});

it("keep a name apart from the options that it looks like", () => {
  expect(commandLineOn(["streams", "show"], ["o-1"], ["--at", "3"])).toBe("protosource streams show o-1 --at 3");
  expect(commandLineOn(["streams", "show"], ["--help"], ["--at", "3"])).toBe(
    "protosource streams show --at 3 -- --help",
  );
});
