/** What tests need, from the distribution's packages. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

const INSTALL_TIMEOUT_MS = 300_000;

/** Tells whether this program may install packages: as root on Debian or Ubuntu. */
export function canAptInstall(): boolean {
  return process.getuid?.() === 0 && existsSync("/etc/debian_version") && existsSync("/usr/bin/apt-get");
}

/** Installs a package, and says why. Throws an error that ends with `howTo` when it can't. */
export async function aptInstall(name: string, why: string, howTo: string): Promise<void> {
  console.log(`Installing ${name}: ${why}.`);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, timeout: INSTALL_TIMEOUT_MS };
  // A package source that can't be reached doesn't matter as long as another has the package.
  await run("apt-get", ["update", "-qq"], options).catch(() => {});
  try {
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", name], options);
  } catch (cause) {
    throw new Error(`apt-get could not install ${name}. ${howTo}`, { cause });
  }
}
