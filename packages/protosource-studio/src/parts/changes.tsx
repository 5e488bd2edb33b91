import type { JSX } from "preact";
import type { StateChange } from "protosource-cli/studio";
import { ChangeList } from "./change-list.js";

/** Lists what differs between two states, below a line that hides the list. */
export function Changes({ title, changes }: { title: string; changes: readonly StateChange[] }): JSX.Element {
  return (
    <details class="changes" open>
      <summary>{title}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <section class="scrolls" tabIndex={0} aria-label={title}>
        <ChangeList changes={changes} />
      </section>
    </details>
  );
}
