/** Command lines to be typed again. */

/** Gives words as a shell takes them. */
export function commandLine(words: readonly string[]): string {
  return ["protosource", ...words.map(shellWord)].join(" ");
}

/** Gives the command line that goes on with the work. */
export function resumeLine(args: readonly string[]): string {
  return commandLine(args.includes("--resume") ? args : [...args, "--resume"]);
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
