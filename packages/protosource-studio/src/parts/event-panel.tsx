import type { JSX } from "preact";
import type { EventDetail } from "protosource-cli/studio";
import { useAnswer } from "../load.js";
import { byteText, timeText } from "../words.js";
import { JsonView } from "./json-view.js";
import { Notice } from "./notice.js";

/** Shows one record whole: decoded, what its schema doesn't know, and its bytes. */
export function EventPanel({ id, version }: { id: string; version: string }): JSX.Element {
  const answer = useAnswer<EventDetail>("event", { id, version });
  const { value, error } = answer.value;
  if (error) return <Notice kind="error">{error.message}</Notice>;
  if (value === undefined) return <Notice kind="empty">Loading…</Notice>;
  const { typeName, at, actor, bytes, expires, problem, json, raw, unknown, retired, meta, masked } = value;
  return (
    <>
      <dl class="facts-list">
        <Fact name="Type" value={typeName ?? "not known"} />
        <Fact name="Time" value={timeText(at)} />
        <Fact name="Actor" value={actor} />
        <Fact name="Size" value={byteText(bytes)} />
        <Fact name="Expires" value={expires && timeText(expires)} />
        <Fact name="Retired" value={retired?.reason} />
        {Object.entries(meta ?? {}).map(([name, text]) => (
          <Fact key={name} name={name} value={text} />
        ))}
        {unknown.map(({ number, wireType, bytes }, i) => (
          <Fact
            key={`${number} ${i}`}
            name={`Field ${number}`}
            value={`not in the schema: ${wireType}, ${byteText(bytes)}`}
          />
        ))}
      </dl>
      {problem && <Notice kind="error">{problem}</Notice>}
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

function Fact({ name, value }: { name: string; value: string | undefined }): JSX.Element | null {
  if (value === undefined || value === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
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
