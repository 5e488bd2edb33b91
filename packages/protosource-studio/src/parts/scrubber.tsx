import type { JSX } from "preact";
import type { EventSummary } from "protosource-cli/studio";
import { NO_TIME } from "../moment.js";
import { numberText, timeText } from "../words.js";

export interface ScrubberProps {
  readonly count: number;
  readonly index: number;
  readonly current: EventSummary | undefined;
  readonly select: (index: number) => void;
  /** Goes to a version or a time; false for what is neither. */
  readonly goTo: (text: string) => boolean;
}

/** Goes through the versions of a stream: step by step, by sliding, and to a version or a time. */
export function Scrubber({ count, index, current, select, goTo }: ScrubberProps): JSX.Element {
  return (
    <div class="scrubber">
      <button type="button" aria-label="One version back" aria-disabled={index <= 0} onClick={() => select(index - 1)}>
        ←
      </button>
      <input
        type="range"
        aria-label="Version"
        aria-valuetext={`version ${current?.version ?? 0}`}
        min={0}
        max={Math.max(0, count - 1)}
        value={index}
        onInput={(event) => select(Number(event.currentTarget.value))}
      />
      <button
        type="button"
        aria-label="One version on"
        aria-disabled={index >= count - 1}
        onClick={() => select(index + 1)}
      >
        →
      </button>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const box = event.currentTarget.elements.namedItem("moment") as HTMLInputElement;
          box.setCustomValidity(goTo(box.value.trim()) ? "" : NO_TIME);
          if (box.reportValidity()) box.value = "";
        }}
      >
        <input
          id="moment"
          name="moment"
          size={14}
          placeholder="version or time"
          aria-label="Go to a version or a time"
          onInput={(event) => event.currentTarget.setCustomValidity("")}
        />
      </form>
      <output>
        version <b>{numberText(current?.version ?? "0")}</b> <span class="quiet">{timeText(current?.at)}</span>
      </output>
    </div>
  );
}
