import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { aptInstall, canAptInstall } from "./apt-install.js";

const run = promisify(execFile);

/** Where distributions and Google put it, after what the environment says. */
const COMMANDS: readonly string[] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const HOW_TO_INSTALL =
  "Install it (Debian: sudo apt-get install chromium; macOS: brew install chromium), or name one by CHROMIUM_PATH, and try again.";

/** What a browser of tests is started with. */
export interface Chromium {
  /** The path of the program. */
  readonly executablePath: string;
  /** What it must be told on this machine: as root it has no sandbox of its own. */
  readonly args: readonly string[];
}

/**
 * Gives the Chromium to run tests of pages in: that of CHROMIUM_PATH, else that of PATH.
 *
 * Without one it installs the distribution's, if it may: as root on Debian. Elsewhere it throws an error that says what
 * to install.
 */
export async function ensureChromium(): Promise<Chromium> {
  const given = process.env["CHROMIUM_PATH"];
  if (given) {
    if (!existsSync(given)) throw new Error(`CHROMIUM_PATH names ${given}, which isn't there. ${HOW_TO_INSTALL}`);
    return chromiumAt(given);
  }
  const found = await findChromium();
  if (found !== undefined) return chromiumAt(found);
  if (!canAptInstall()) throw new Error(`The tests of pages need Chromium. ${HOW_TO_INSTALL}`);
  await aptInstall("chromium", "the tests of pages need a browser", HOW_TO_INSTALL);
  const installed = await findChromium();
  if (installed === undefined) throw new Error(`chromium is installed, and isn't found. ${HOW_TO_INSTALL}`);
  return chromiumAt(installed);
}

function chromiumAt(executablePath: string): Chromium {
  return { executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] };
}

async function findChromium(): Promise<string | undefined> {
  for (const command of COMMANDS) {
    try {
      const { stdout } = await run("/bin/sh", ["-c", `command -v ${command}`]);
      return stdout.trim();
    } catch {
      // The next one may be there.
    }
  }
  return undefined;
}
