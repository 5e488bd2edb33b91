/** Long work that goes on where it was stopped. */
import type { Context } from "./command.js";
import { resumeLine } from "./command-line.js";
import type { StateFile } from "./state-file.js";

/** Runs work whose state is kept in a file: at its end that goes, and when it stops, the line that goes on is printed. */
export async function keepState<T>(
  { output, args }: Context,
  state: StateFile<unknown>,
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    state.remove();
    return result;
  } catch (error) {
    if (state.flush()) output.note(`What is done is kept in ${path}. Go on by:\n  ${resumeLine(args)}`);
    throw error;
  }
}
