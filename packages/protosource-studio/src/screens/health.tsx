import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { HealthPlan, StreamFinding, TableFinding, TableFindings } from "protosource-cli/studio";
import { adjust, go } from "../address.js";
import { useKeys } from "../keyboard.js";
import { useAnswer } from "../load.js";
import { CommandLine, copy } from "../parts/command-line.js";
import { Notice } from "../parts/notice.js";
import { Tabs } from "../parts/tabs.js";
import { TryAgain } from "../parts/try-again.js";
import { VirtualList } from "../parts/virtual-list.js";
import type { ScreenProps } from "../screen.js";
import type { Pages } from "../use-pages.js";
import { useVerify, type Verified } from "../use-verify.js";
import { byteText, costText, counted, numberText, printable } from "../words.js";
import { StreamSizes } from "./stream-sizes.js";

/** Something that is wrong, of a table or of a stream. */
type Finding = Partial<StreamFinding> & Partial<TableFinding> & Pick<StreamFinding, "message">;

/** Whether tables and streams are as they should be, and what mends them where they aren't. */
export function HealthScreen({ place }: ScreenProps): JSX.Element {
  const { id, tab = "findings" } = place;
  const looks = useSignal(0);
  const selected = useSignal(0);
  const plan = useAnswer<HealthPlan>("health", {}).value;
  const tables = useAnswer<TableFindings>(looks.value > 0 ? "tables" : undefined, {}, looks.value).value;
  const { read, begin, readOn, stop } = useVerify(id);
  const verified = read.value;
  const { stage, cursor } = verified;
  const findings: readonly Finding[] = [...(tables.value?.findings ?? []), ...verified.problems];
  const current = findings[selected.value];
  const { line } = current ?? {};
  const open = (): void => {
    if (current?.id) go({ view: "stream", id: current.id, ...(current.version ? { at: current.version } : {}) });
  };
  const select = (to: number): void => {
    selected.value = Math.max(0, Math.min(findings.length - 1, to));
  };
  const verify = (): void => {
    if (stage === "reading") stop();
    else if (cursor !== undefined) readOn();
    else if (id !== undefined) adjust({ id: undefined });
    else begin();
  };
  const compare = (): void => void (plan.value?.tables && looks.value++);
  useKeys({
    v: ["look through all streams, or stop that", verify],
    b: ["look at the tables", compare],
    j: ["select the next finding", () => select(selected.value + 1)],
    k: ["select the finding before", () => select(selected.value - 1)],
    o: ["open the stream of the finding", open],
    f: ["show the findings", () => adjust({ tab: undefined })],
    s: ["show the sizes and the snapshots of streams", () => adjust({ tab: "streams" })],
    ...(line !== undefined && { c: ["copy the command line of the finding", () => void copy(line)] as const }),
  });
  const charged = plan.value?.charged;
  return (
    <section class="health" aria-label="Health">
      <header class="screen-head">
        <h2>Health</h2>
        <button type="button" onClick={verify}>
          {stage === "reading"
            ? "Stop"
            : cursor !== undefined
              ? "Read on"
              : id
                ? "Look at all streams"
                : "Verify all streams"}{" "}
          <kbd>v</kbd>
        </button>
        {plan.value?.tables && (
          <button type="button" onClick={compare}>
            Check tables <kbd>b</kbd>
          </button>
        )}
        <form
          class="stream-form"
          onSubmit={(event) => {
            event.preventDefault();
            adjust({ id: (new FormData(event.currentTarget).get("id") as string).trim() || undefined });
          }}
        >
          <input key={id} name="id" defaultValue={id} aria-label="Stream" placeholder="Whole name of one stream" />
          <button type="submit">Verify</button>
        </form>
        <span class="facts" role="status">
          {progressText(verified, plan.value?.records)}
        </span>
      </header>
      {stage === "reading" && plan.value?.records !== undefined && id === undefined && (
        <progress aria-label="Records read" max={plan.value.records} value={verified.records} />
      )}
      {plan.error && <TryAgain error={plan.error} again={plan.again} />}
      {tables.error && <TryAgain error={tables.error} again={compare} />}
      {verified.error && <TryAgain error={verified.error} again={readOn} />}
      {tables.value?.findings.length === 0 && <p class="good">The tables are as they should be.</p>}
      <Tabs
        tabs={{ findings: `Findings ${numberText(findings.length)}`, streams: "Sizes and snapshots" }}
        shown={tab}
        show={(name) => adjust({ tab: name === "findings" ? undefined : name })}
      >
        {tab === "streams" ? (
          <StreamSizes sizes={verified.notable} by={place["by"]} isWhole={stage === "done"} />
        ) : findings.length > 0 ? (
          <>
            <VirtualList
              label="Findings"
              count={findings.length}
              rowHeight={32}
              selected={selected.value}
              select={select}
              open={open}
              row={(i) => <FindingRow finding={findings[i] as Finding} />}
            />
            {current && <FindingPart finding={current} />}
          </>
        ) : stage === "done" && verified.streams > 0 ? (
          <Notice kind="empty">Nothing is wrong with what was read.</Notice>
        ) : stage === "done" ? (
          <Notice kind="empty">
            {id
              ? `There is no stream ${printable(id)}. Give its whole name.`
              : "There are no streams yet. Look again once something is saved."}
          </Notice>
        ) : stage === "reading" ? (
          <Notice kind="empty">Nothing is wrong with what was read so far.</Notice>
        ) : (
          <Notice kind="empty">
            <p>Nothing was looked at yet. A look finds what is wrong with streams and tables, and changes nothing.</p>
            {charged && [charged.stream, charged.all, charged.tables].map((text) => <p key={text}>{text}</p>)}
          </Notice>
        )}
      </Tabs>
    </section>
  );
}

function progressText({ stage, records, streams, bytes, requests, readUnits }: Pages<Verified>, all?: number): string {
  if (stage === "idle") return all === undefined ? "" : `about ${counted(all, "record")}`;
  const read = `${counted(streams, "stream")}, ${counted(records, "record")}, ${byteText(bytes)}`;
  const part = stage === "done" ? "" : stage === "reading" ? " so far" : " of what was read";
  return `${read}${part}${requests > 0 ? ` · ${costText({ requests, readUnits })}` : ""}`;
}

function FindingRow({ finding }: { finding: Finding }): JSX.Element {
  const { severity, kind = "table", table, id, version, message } = finding;
  return (
    <span class="finding">
      <span class={`badge ${severity === "error" ? "damaged" : "expired"}`}>{kind.replaceAll("_", " ")}</span>
      <span class="id">{id ?? table}</span>
      <span class="number">{version}</span>
      <span>{printable(message)}</span>
    </span>
  );
}

function FindingPart({ finding: { message, line, kind } }: { finding: Finding }): JSX.Element {
  return (
    <div class="changes">
      <p>{printable(message)}</p>
      {line && <CommandLine what={whatOf(kind, line)} line={line} />}
    </div>
  );
}

function whatOf(kind: string | undefined, line: string): string {
  if (kind === undefined) return "Run this to mend it";
  return line.includes(" repair ") ? "Run this: it says what mends it" : "Nothing mends it by itself. To see it";
}
