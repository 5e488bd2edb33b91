import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

/** Shows a text to be taken elsewhere, such as a command line, and copies it. */
export function Copy({ text }: { text: string }): JSX.Element {
  const copied = useSignal(false);
  return (
    <div class="copy">
      <code>{text}</code>
      <button
        type="button"
        onClick={async () => {
          await navigator.clipboard.writeText(text);
          copied.value = true;
        }}
      >
        {copied.value ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
