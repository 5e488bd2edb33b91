/** The package as npm installs it: built, in a folder of node_modules, far from this repository. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

const packageFolder = fileURLToPath(new URL("../../..", import.meta.url));
const modules = join(packageFolder, "../../node_modules");

/** The path of a package that this repository has installed. */
export const installedHere = (name: string): string => join(modules, name);

/** A folder with an application's node_modules. */
export interface Application {
  readonly folder: string;
  /** Gives the path of a file in it. */
  path(...names: string[]): string;
  /** Runs one of its programs, from a folder that isn't its own, and gives what it printed. */
  run(program: string, ...args: string[]): Promise<string>;
  remove(): void;
}

/** Makes an application that has installed this package and others. */
export async function makeApplication(...others: readonly string[]): Promise<Application> {
  const folder = mkdtempSync(join(tmpdir(), "protosource-application-"));
  const home = join(folder, "node_modules/protosource-es");
  mkdirSync(home, { recursive: true });
  cpSync(join(packageFolder, "package.json"), join(home, "package.json"));
  await run("npm", ["run", "--silent", "bundle", "--", `--outdir=${join(home, "dist")}`], { cwd: packageFolder });
  for (const name of ["@bufbuild/protobuf", ...others]) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(installedHere(name), link);
  }
  return {
    folder,
    path: (...names) => join(folder, ...names),
    run: async (program, ...args) =>
      (await run(process.execPath, ["--no-warnings", program, ...args], { cwd: tmpdir() })).stdout.trim(),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
