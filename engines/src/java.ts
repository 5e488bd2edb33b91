import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { aptInstall, canAptInstall } from "./apt-install.js";

const run = promisify(execFile);

/** The oldest Java that runs DynamoDB Local 3. */
const OLDEST = 17;

/**
 * Gives the `java` command to use: that of JAVA_HOME, else that of PATH.
 *
 * Without one of version 17 or later it installs the distribution's, if it may: as root on Debian or Ubuntu. Elsewhere
 * it throws an error that says what to install.
 */
export async function ensureJava(): Promise<string> {
  const found = await findJava();
  if (found.command !== undefined) return found.command;
  const why = `DynamoDB Local needs Java ${OLDEST} or later (${found.problem})`;
  if (!canAptInstall()) throw new Error(`${why}. ${HOW_TO_INSTALL}`);
  await aptInstall("default-jre-headless", why, HOW_TO_INSTALL);
  const installed = await findJava();
  if (installed.command === undefined) {
    throw new Error(`default-jre-headless is installed, but ${installed.problem}. ${HOW_TO_INSTALL}`);
  }
  return installed.command;
}

const HOW_TO_INSTALL =
  "Install it (Debian, Ubuntu: sudo apt-get install default-jre-headless; macOS: brew install openjdk) and try again.";

type Found = { readonly command: string } | { readonly command: undefined; readonly problem: string };

async function findJava(): Promise<Found> {
  const home = process.env["JAVA_HOME"];
  const commands = home ? [join(home, "bin", "java"), "java"] : ["java"];
  const problems: string[] = [];
  for (const command of commands) {
    const version = await javaVersion(command);
    if (version !== undefined && version >= OLDEST) return { command };
    problems.push(version === undefined ? `${command} doesn't run` : `${command} is version ${version}`);
  }
  return { command: undefined, problem: problems.join(", ") };
}

/** The major version, such as 17; undefined if the command doesn't run. Java prints it to standard error. */
async function javaVersion(command: string): Promise<number | undefined> {
  try {
    const { stderr } = await run(command, ["-version"]);
    const major = /version "(\d+)/.exec(stderr)?.[1];
    return major === undefined ? undefined : Number(major);
  } catch {
    return undefined;
  }
}
