/** Processes of a soak that are killed at any moment, and started again until they have done their part. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname } from "node:path";

/** A process, whichever of its starts it is. */
export interface Restarted {
  /** The one that runs. */
  child: ChildProcess | undefined;
}

/** Starts a bundled program. What it prints is shown. */
export function startProgram(program: string, options: object): ChildProcess {
  // What isn't bundled is found where it is installed.
  const installed = dirname(dirname(createRequire(import.meta.url).resolve("libsql")));
  return spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, NODE_PATH: installed },
  });
}

/** Starts a process again each time that it is killed, until it ends by itself or it is over. Throws when it fails. */
export async function restart(process: Restarted, start: () => ChildProcess, isOver: () => boolean): Promise<void> {
  for (;;) {
    process.child = start();
    const [code] = (await once(process.child, "exit")) as [number | null];
    process.child = undefined;
    if (code === 0 || isOver()) return;
    if (code !== null) throw new Error(`a process of the soak ended with ${code}`);
  }
}
