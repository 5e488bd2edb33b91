import type { JSX } from "preact";
import type { NoAnswer } from "../ask.js";
import { Notice } from "./notice.js";

/** Says what went wrong, and lets it be tried again. */
export function TryAgain({ error, again }: { error: NoAnswer; again: () => void }): JSX.Element {
  return (
    <Notice kind="error">
      <p>{error.message}</p>
      <button type="button" onClick={again}>
        Try again
      </button>
    </Notice>
  );
}
