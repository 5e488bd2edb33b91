/** What the compiler says of a wrong answer of a rule: it reads as one, and names nothing that is ours alone. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const generated = fileURLToPath(new URL("gen/example/app/order/v1/order_v1_protosource.js", import.meta.url));

/** Each answer, and the end of what is said of it. */
const ANSWERS = [
  ['() => "maybe"', `'"maybe"' is not assignable to type 'Promise<Decision<`],
  ['async () => "maybe"', `'"maybe"' is not assignable to type 'Decision<`],
  ["() => {}", "'void' is not assignable to type 'Promise<Decision<"],
  ['() => ({ proceed: { Cancelled: { reason: "no" } } })', "has no properties in common with type 'Fill<"],
  ["async () => ({ proceed: { Placed: { place: 1n } } })", "has no properties in common with type"],
] as const;

test("a wrong answer of a rule reads as one", () => {
  const folder = mkdtempSync(join(tmpdir(), "type-errors-"));
  try {
    const lines = ANSWERS.map(([answer]) => `defineOrder({ evaluate: { Place: ${answer} } });`);
    writeFileSync(join(folder, "wrong.mts"), [`import { defineOrder } from "${generated}";`, ...lines].join("\n"));
    const compilerOptions = { noEmit: true, typeRoots: [join(root, "node_modules/@types")] };
    const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, files: ["wrong.mts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(root, "node_modules/.bin/tsc");
    const { stdout } = spawnSync(tsc, ["-p", folder, "--pretty", "false"], { cwd: root, encoding: "utf8" });
    const errors = stdout.split(/^(?=\S)/m);
    expect(errors.map((error) => error.slice(0, 300))).toHaveLength(ANSWERS.length);
    for (const [i, [, end]] of ANSWERS.entries()) expect(errors[i]).toContain(end);
    expect(stdout).not.toContain("Hint");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
