import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { keysNow } from "../keyboard.js";

/** Shows what keys do here. */
export function Help({ close }: { close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="help-title"
      onClose={close}
      onKeyDown={(event) => {
        if (event.key !== "?") return;
        // What is behind the help would show it again.
        event.stopPropagation();
        dialog.current?.close();
      }}
    >
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {keysNow().map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{NAMES[key] ?? key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>Tab</kbd>
          </dt>
          <dd>go to the next part; in lists the arrows, Home, End and Enter work</dd>
        </div>
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

const NAMES: { readonly [key: string]: string } = { ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };
