import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { StreamSize } from "protosource-cli/studio";
import { adjust, go } from "../address.js";
import { useKeys } from "../keyboard.js";
import { ListHead } from "../parts/list-head.js";
import { Notice } from "../parts/notice.js";
import { VirtualList } from "../parts/virtual-list.js";
import { byteText, numberText, timeText } from "../words.js";

interface Measure {
  readonly title: string;
  readonly of: (size: StreamSize) => number;
}

/** By what streams are ordered, by their names in the address. */
const MEASURES: { readonly [name: string]: Measure } = {
  records: { title: "Longest", of: ({ records }) => records },
  bytes: { title: "Largest", of: ({ bytes }) => bytes },
  snapshot: { title: "Longest without a snapshot", of: ({ sinceSnapshot = -1 }) => sinceSnapshot },
};

/** How many are shown. What is read tells of ten of each page. */
const SHOWN = 10;

interface StreamSizesProps {
  readonly sizes: readonly StreamSize[];
  readonly by: string | undefined;
  readonly isWhole: boolean;
}

/** The streams that stand out by their size, or the age of their snapshot. */
export function StreamSizes({ sizes, by: asked = "", isWhole }: StreamSizesProps): JSX.Element {
  const selected = useSignal(0);
  const by = Object.hasOwn(MEASURES, asked) ? asked : "records";
  const { of } = MEASURES[by] as Measure;
  const shown = sizes
    .filter((size) => of(size) >= 0)
    .toSorted((a, b) => of(b) - of(a))
    .slice(0, SHOWN);
  const next = (): void => {
    const names = Object.keys(MEASURES);
    adjust({ by: names[(names.indexOf(by) + 1) % names.length] });
  };
  useKeys({ n: ["order the streams by what comes next", next] });
  return (
    <>
      <div class="tabs">
        {Object.entries(MEASURES).map(([name, { title }]) => (
          <button key={name} type="button" aria-pressed={name === by} onClick={() => adjust({ by: name })}>
            {title}
          </button>
        ))}
        {!isWhole && sizes.length > 0 && <span class="facts">of what was read</span>}
      </div>
      {shown.length === 0 ? (
        <Notice kind="empty">Streams appear here once they were looked through: press v, which begins that.</Notice>
      ) : (
        <>
          <ListHead of="sizes" columns={["Stream", "#Records", "#Size", "#Behind snapshot", "Snapshot"]} />
          <VirtualList
            label="Streams that stand out"
            count={shown.length}
            rowHeight={32}
            selected={selected.value}
            select={(index) => {
              selected.value = index;
            }}
            open={(index) => go({ view: "stream", id: (shown[index] as StreamSize).id })}
            row={(i) => <SizeRow size={shown[i] as StreamSize} />}
          />
        </>
      )}
    </>
  );
}

function SizeRow({ size: { id, records, bytes, sinceSnapshot, snapshotAt } }: { size: StreamSize }): JSX.Element {
  return (
    <span class="sizes">
      <span class="id">{id}</span>
      <span class="number">{numberText(records)}</span>
      <span class="number">{byteText(bytes)}</span>
      <span class="number">{sinceSnapshot === undefined ? "" : numberText(sinceSnapshot)}</span>
      <span class="time">{timeText(snapshotAt) || (sinceSnapshot === undefined ? "takes none" : "none yet")}</span>
    </span>
  );
}
