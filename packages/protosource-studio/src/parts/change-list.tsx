import type { JSX } from "preact";
import type { StateChange } from "protosource-cli/studio";
import { counted, printable, valueText } from "../words.js";

/** How many changes are listed: more are in what is compared itself. */
const MAX_CHANGES = 50;

/** Lists what differs between two states. */
export function ChangeList({ changes }: { changes: readonly StateChange[] }): JSX.Element {
  return (
    <ul>
      {changes.slice(0, MAX_CHANGES).map(({ path, before, after }) => (
        <li key={path} class={before === undefined ? "added" : after === undefined ? "removed" : "changed"}>
          <span class="path">{path}</span>
          {before !== undefined && <del title={textOf(before)}>{short(path, before)}</del>}
          {after !== undefined && <ins title={textOf(after)}>{short(path, after)}</ins>}
        </li>
      ))}
      {changes.length > MAX_CHANGES && <li>and {counted(changes.length - MAX_CHANGES, "more change")}</li>}
    </ul>
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : printable(JSON.stringify(value));
}

function short(path: string, value: unknown): string {
  const text = valueText(path, textOf(value));
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
