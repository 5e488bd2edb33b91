import type { JSX } from "preact";
import type { EventDetail } from "protosource-cli/studio";
import { useAnswer } from "../load.js";
import { byteText, printable, timeText } from "../words.js";
import { JsonView } from "./json-view.js";
import { Notice } from "./notice.js";
import { TryAgain } from "./try-again.js";

/** Shows one record whole: decoded, what its schema doesn't know, and its bytes. */
export function EventPanel({ id, version }: { id: string; version: string }): JSX.Element {
  const answer = useAnswer<EventDetail>("event", { id, version });
  const { value, error, again } = answer.value;
  if (error) return <TryAgain error={error} again={again} />;
  if (value === undefined) return <Notice kind="empty">Loading…</Notice>;
  const { typeName, at, actor, bytes, expires, problem, json, raw, unknown, retired, meta, masked } = value;
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ["Type", typeName ?? "not known"],
    ["Time", timeText(at)],
    ["Actor", actor],
    ["Size", byteText(bytes)],
    ["Expires", timeText(expires)],
    ["Retired", retired?.reason],
    ...Object.entries(meta ?? {}),
    ...unknown.map(
      ({ number, wireType, bytes }) =>
        [`Field ${number}`, `not in the schema: ${wireType}, ${byteText(bytes)}`] as const,
    ),
  ];
  return (
    <>
      <dl class="facts-list">
        {facts.map(
          ([name, value], i) =>
            value && (
              <div key={`${name} ${i}`}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      {problem && <Notice kind="error">{printable(problem)}</Notice>}
      {json !== undefined && <JsonView label="Event" value={json} />}
      {retired?.readAs !== undefined && <JsonView label="Read as" value={{ readAs: retired.readAs }} />}
      {masked && <p class="quiet">Personal fields are masked, and so are stored bytes that may hold some.</p>}
      {raw !== undefined && (
        <details class="raw">
          <summary>Stored bytes</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
          <pre tabIndex={0}>{hexDump(raw)}</pre>
        </details>
      )}
    </>
  );
}

/** How much of the data is shown as it is. */
const DUMPED_BYTES = 4096;

/** Writes bytes in rows of 16, as numbers and as text. */
function hexDump(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).subarray(0, DUMPED_BYTES);
  const lines: string[] = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const row = [...bytes.subarray(i, i + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${i.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}
