/** Fails when a file of the repository names a path of somebody's machine or a package registry. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const FORBIDDEN: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "a path of one machine", pattern: /(?<![\w.}*-])\/(?:home|root|Users|work|tmp)\/\w/ },
  { what: "a package registry", pattern: /\bregistry\.[a-z0-9-]+\.[a-z]|\bnpm\.pkg\.github\b/ },
];

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
  encoding: "utf8",
});
const found = files
  .split("\0")
  .filter((file) => file !== "" && file !== "scripts/check-files.ts" && existsSync(file))
  .flatMap(forbiddenLines);
const resolved = oddlyResolved();
for (const line of [...found, ...resolved]) console.log(line);
if (found.length + resolved.length > 0) process.exitCode = 1;

function forbiddenLines(file: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, index) =>
      FORBIDDEN.filter(({ pattern }) => pattern.test(line)).map(({ what }) => `${file}:${index + 1} names ${what}`),
    );
}

/** Only a workspace may say where it comes from: an address would tie every clone to one registry. */
function oddlyResolved(): string[] {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    readonly packages: Record<string, { readonly resolved?: string; readonly link?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([, { resolved, link }]) => resolved !== undefined && !(link === true && resolved in lock.packages))
    .map(([name, { resolved }]) => `package-lock.json: ${name} is resolved to ${resolved}`);
}
