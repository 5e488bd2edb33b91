/** Folders for what is needed only while a command runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cantWrite } from "./cant-write.js";

/** Runs work with a new folder, which goes when the work is done. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = makeFolder();
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // A second interruption, and a reader that has had enough, end the process without coming back here.
  process.once("exit", remove);
  try {
    return await work(folder);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "protosource-"));
  } catch (cause) {
    throw cantWrite("TMPDIR", tmpdir(), cause);
  }
}
