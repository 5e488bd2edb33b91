/**
 * Runs the tests of the fast path with other releases of the SDK: the oldest that is supported, the last before
 * requests were written from schemas, and the first after. The repository's own tests run with the newest.
 *
 * The releases are installed on demand, so that they are no part of `npm ci`. Arguments name other test files.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const FOLDER = "sdk-versions";
const FAST_PATH = ["fast-path", "answer-body"].map(
  (name) => `packages/protosource-es/test/unit/dynamodb/${name}.test.ts`,
);

const given = process.argv.slice(2);
const tests = given.length > 0 ? given : FAST_PATH;
const { dependencies } = JSON.parse(readFileSync(`${FOLDER}/package.json`, "utf8")) as {
  readonly dependencies: Record<string, string>;
};

const isInstalled = runs("npm", ["ci", "--silent", "--prefix", FOLDER]);
const failed = isInstalled ? Object.keys(dependencies).filter((name) => !passes(name)) : ["npm ci"];
if (failed.length > 0) {
  console.log(`Failed: ${failed.join(", ")}.`);
  process.exitCode = 1;
}

function passes(name: string): boolean {
  console.log(`${name}: ${dependencies[name]}`);
  return runs("npx", ["vitest", "run", "--silent", "--reporter=dot", ...tests], {
    SDK_FOLDER: resolve(FOLDER, "node_modules", name),
  });
}

function runs(command: string, args: readonly string[], env: Record<string, string> = {}): boolean {
  return spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...env } }).status === 0;
}
