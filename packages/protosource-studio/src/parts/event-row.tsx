import type { JSX } from "preact";
import type { EventSummary } from "protosource-cli/studio";
import { printable, timeText } from "../words.js";

export interface EventRowProps {
  readonly event: EventSummary;
  /** Whether it was saved with the record in the row above, or with the one below. */
  readonly joins: { readonly above: boolean; readonly below: boolean };
}

/** A record in the timeline. Those that were saved at once are joined by a bracket. */
export function EventRow({ event, joins: { above, below } }: EventRowProps): JSX.Element {
  const { version, kind, type, at, actor, text, expired, sealed } = event;
  const marks = [kind !== "event" && kind, expired && "expired", sealed && "sealed"].filter(Boolean) as string[];
  return (
    <span
      class={`event ${kind} ${expired ? "expired" : ""} ${above ? "joins-above" : ""} ${below ? "joins-below" : ""}`}
    >
      <span class="number">{version}</span>
      <span class="type">
        <bdi>{type ?? "?"}</bdi>
        {marks.map((mark) => (
          <span key={mark} class={`badge ${mark}`}>
            {mark}
          </span>
        ))}
        {above && <span class="unseen">saved with the one before</span>}
      </span>
      <span class="time">{timeText(at)}</span>
      <span class="actor">{actor}</span>
      <span class="text">{printable(text)}</span>
    </span>
  );
}
