/** Generates all code again, elsewhere, and fails when what is in a `gen` or `golden` folder differs, or a service. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const fresh = mkdtempSync(join(tmpdir(), "generated-"));
try {
  execFileSync("npm", ["run", "--silent", "generate"], { env: { ...process.env, OUT: fresh }, stdio: "inherit" });
  const files = readdirSync(fresh, { encoding: "utf8", recursive: true });
  const known = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" });
  const generated = [...files, ...known.split("\n")].filter((file) =>
    /(^|\/)(gen|golden)\/.*\.ts$|\/proto\/.*_service\.proto$/.test(file),
  );
  const stale = [...new Set(generated)].filter((file) => read(file) !== read(join(fresh, file)));
  if (stale.length > 0) {
    console.log(`${stale.join("\n")}\nRun npm run generate, and commit what it changes.`);
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true });
}

function read(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
