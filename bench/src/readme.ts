/** The parts of the README that a run writes, between two comments each. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const README = fileURLToPath(new URL("../README.md", import.meta.url));

/** Puts a text between the comments `<!-- name -->` and `<!-- /name -->`. Throws an error when they are missing. */
export function inject(name: string, text: string): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const readme = readFileSync(README, "utf8");
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${README} has no place for ${name}: write ${begin} and ${end}`);
  writeFileSync(README, `${readme.slice(0, from + begin.length)}\n\n${text}\n\n${readme.slice(to)}`);
}
