import { signal } from "@preact/signals";
import type { JSX } from "preact";

/** What was copied last. */
const copied = signal("");

/** Copies a text to where it can be pasted from. */
export async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  copied.value = text;
}

/** Shows a command line that is to be run elsewhere, and what it does; it can be copied. */
export function CommandLine({ what, line }: { what: string; line: string }): JSX.Element {
  return (
    <div class="command">
      <span class="quiet">{what}</span>
      <code>{line}</code>
      <button type="button" onClick={() => void copy(line)}>
        {copied.value === line ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
