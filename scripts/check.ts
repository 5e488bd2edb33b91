/** Runs every check, prints a line for each, and what a failed one printed. Ends with 1 if one failed. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { readonly scripts: Record<string, string> };
const checks = Object.keys(manifest.scripts).filter((name) => name.startsWith("check:"));

const start = Date.now();
const failed = checks.filter((name) => !passes(name));
if (failed.length === 0) {
  console.log(`All ${checks.length} checks passed in ${seconds(start)}.`);
} else {
  console.log(`${failed.length} of ${checks.length} checks failed: ${failed.join(", ")}. Each runs alone by npm run.`);
  process.exitCode = 1;
}

function passes(name: string): boolean {
  const start = Date.now();
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", name], { encoding: "utf8" });
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name.padEnd(16)} ${seconds(start)}`);
  if (status !== 0) console.log(`${stdout}${stderr}`.trim());
  return status === 0;
}

function seconds(start: number): string {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}
