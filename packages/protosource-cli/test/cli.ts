/** Runs the command as a user does: in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll } from "vitest";

/** What a run of the command came to. */
export interface CliResult {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of standard output, each read as JSON. */
  json(): readonly Record<string, unknown>[];
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Whether the modes of files bind it, even when root runs it, who otherwise may read and write every file. */
  readonly obeysModes?: boolean;
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** The command in a few files, built anew for each process of tests: to compile it at each start takes twice as long. */
export const builtFolder: string = `${root}node_modules/.cache/protosource-${process.pid}`;
await build({
  entryPoints: [`${root}src/main.ts`],
  outdir: builtFolder,
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  conditions: ["@protosource-es/source"],
  external: ["@aws-sdk/*", "@bufbuild/*", "commander", "libsql"],
  logLevel: "warning",
});
afterAll(() => rmSync(builtFolder, { recursive: true, force: true }));

/** The environment of the runs: nothing of the developer's own, and the credentials that the engines take. */
const ENVIRONMENT = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  AWS_ACCESS_KEY_ID: "local",
  AWS_SECRET_ACCESS_KEY: "local",
  AWS_EC2_METADATA_DISABLED: "true",
};

/** What starts the command. */
export function cliCommand(
  args: readonly string[],
  { env = {}, obeysModes = false }: CliOptions = {},
): { readonly command: string; readonly args: string[]; readonly env: NodeJS.ProcessEnv } {
  const powerless = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];
  const before = obeysModes && process.getuid?.() === 0 ? powerless : [];
  const [command = "", ...rest] = [...before, process.execPath, `${builtFolder}/main.js`, ...args];
  return { command, args: rest, env: { ...ENVIRONMENT, ...env } };
}

/** Starts the command. */
export function startCli(words: readonly string[], options?: CliOptions): ChildProcess {
  const { command, args, env } = cliCommand(words, options);
  return spawn(command, args, { env, stdio: "pipe" });
}

/** What a started command comes to. To be called at once, since what a process wrote is gone soon after its end. */
export async function resultOf(child: ChildProcess): Promise<CliResult> {
  if (!child.stdout || !child.stderr) throw new Error("the command was started without pipes");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return {
    code: child.exitCode,
    stdout,
    stderr,
    json: () =>
      stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

/** Runs the command to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = startCli(args, options);
  child.stdin?.end(options.stdin ?? "");
  return resultOf(child);
}

/**
 * Runs a command that says at its end what it did, and interrupts it once `isReady` says so and `afterMs` milliseconds
 * have passed.
 *
 * `interrupted` is false when it was done before that, whatever its exit code is: a signal that meets the very end of
 * a process, when Node no longer listens to any, still ends it by that signal.
 */
export async function interruptCli(
  args: readonly string[],
  isReady: () => boolean,
  afterMs = 0,
): Promise<CliResult & { readonly interrupted: boolean }> {
  const child = startCli(args);
  let ended = false;
  const ending = resultOf(child).finally(() => {
    ended = true;
  });
  while (!isReady() && !ended) await sleep(2);
  await sleep(afterMs);
  child.kill("SIGINT");
  const result = await ending;
  return { ...result, interrupted: result.stdout === "" };
}
