/** The peers are packages of a folder of their own, so that nothing else of the repository needs them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../peers/", import.meta.url));
const requireFrom = createRequire(`${FOLDER}package.json`);

/** Installs the peers when that wasn't done for this lock file. SQLite's driver for emmett-sqlite may be compiled. */
export function installPeers(): void {
  const installed = `${FOLDER}node_modules/.package-lock.json`;
  const wanted = peerVersions();
  const isDone = existsSync(installed) && Object.keys(wanted).every((name) => isInstalled(name));
  if (isDone) return;
  console.log("Installing the peers once: a minute, or five where SQLite's driver must be compiled.");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: FOLDER, stdio: "inherit" });
}

/** Loads a peer. The types are what the bench needs of it. */
export function requirePeer<T>(name: string): T {
  return requireFrom(name) as T;
}

/** Tells whether a peer is there: an optional one is left out where it can't be compiled. */
export function isInstalled(name: string): boolean {
  return existsSync(`${FOLDER}node_modules/${name}/package.json`);
}

/** The versions of the peers, by their names. */
export function peerVersions(): Readonly<Record<string, string>> {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(`${FOLDER}package.json`, "utf8")) as {
    readonly dependencies: Record<string, string>;
    readonly optionalDependencies: Record<string, string>;
  };
  return { ...dependencies, ...optionalDependencies };
}
