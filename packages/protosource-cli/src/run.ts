/** Runs one command line, from its arguments to its exit code. */
import type { Action, JsonOption, Register } from "./command.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { failureOf } from "./failure-of.js";
import { createOutput, printable, printableLines, type Streams } from "./output.js";
import { createProgram } from "./program.js";

/** What a command line runs in. */
export interface Surroundings extends Streams {
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}

/** Runs a command line, and gives its exit code. It throws nothing. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr, signal } = surroundings;
  let exitCode: ExitCode = EXIT.ok;
  const register: Register = <O extends JsonOption>(command: Parameters<Register>[0], action: Action<O>) => {
    command.action(async (...given: unknown[]) => {
      // Commander gives the arguments, the options and the command.
      const options = given.at(-2) as O;
      const output = createOutput({ stdout, stderr }, options.json === true, signal);
      try {
        exitCode = await action({ output, signal, args }, options, ...(given.slice(0, -2) as string[]));
      } finally {
        output.status("");
      }
    });
  };
  try {
    const program = createProgram(register, {
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(printableLines(text)),
    });
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    const failure = failureOf(error, signal);
    if (failure.message !== undefined) stderr.write(`protosource: ${printable(failure.message)}\n`);
    if (failure.exitCode === EXIT.bug && process.env["PROTOSOURCE_DEBUG"]) stderr.write(`${(error as Error).stack}\n`);
    return failure.exitCode;
  }
}
