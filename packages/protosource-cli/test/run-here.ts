/** Runs the command in this process: what it does is the same, and nothing has to be built or started. */
import { Writable } from "node:stream";
import { run } from "../src/run.js";

/** What a run came to. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line to its end. */
export async function runHere(args: readonly string[]): Promise<Ended> {
  const texts = ["", ""];
  const [stdout, stderr] = texts.map(
    (_, i) =>
      new Writable({
        write(chunk, _encoding, done) {
          texts[i] += String(chunk);
          done();
        },
      }) as unknown as NodeJS.WriteStream,
  ) as [NodeJS.WriteStream, NodeJS.WriteStream];
  const code = await run(args, { stdout, stderr, signal: new AbortController().signal });
  const [out = "", err = ""] = texts;
  return { code, stdout: out, stderr: err };
}
