/** Command lines to be typed again. */

/** Gives words as a shell takes them. */
export function commandLine(words: readonly string[]): string {
  return ["protosource", ...words.map(shellWord)].join(" ");
}

/** Gives the command line of a command on things by their names, of which one may begin as an option does. */
export function commandLineOn(
  command: readonly string[],
  names: readonly string[],
  options: readonly string[],
): string {
  return names.some((name) => name.startsWith("-"))
    ? commandLine([...command, ...options, "--", ...names])
    : commandLine([...command, ...names, ...options]);
}

/** Gives the command line that goes on with the work. */
export function resumeLine(args: readonly string[]): string {
  return commandLine(args.includes("--resume") ? args : [...args, "--resume"]);
}

/**
 * Control characters, which a terminal that they are pasted to obeys, whatever quotes are around them, and those that turn
 * the direction of writing, so that the line would be read as another one.
 */
const CONTROL = /[\p{Cc}\p{Bidi_Control}]/gu;

function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (word.search(CONTROL) === -1) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${word.replaceAll(/['\\]/g, "\\$&").replaceAll(CONTROL, escaped)}'`;
}

/** Writes a character by its bytes, as bash and zsh read it within `$'…'`. */
function escaped(character: string): string {
  return Array.from(new TextEncoder().encode(character), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
