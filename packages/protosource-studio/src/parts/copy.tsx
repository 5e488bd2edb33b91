import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

/** Copies a text, and says whether it did. Those who see the page are told by what stands before that it copies. */
export function Copy({ what, text }: { what: string; text: () => Promise<string> }): JSX.Element {
  const said = useSignal("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(await text());
      said.value = "copied";
    } catch (error) {
      said.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <button type="button" onClick={() => void copy()}>
      <span class="unseen">Copy </span>
      {what} <span role="status">{said}</span>
    </button>
  );
}
