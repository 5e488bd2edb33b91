import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { go } from "../address.js";
import { useKeys } from "../keyboard.js";
import { leave, reading, said, view, viewed } from "../viewing.js";
import { counted } from "../words.js";
import { Notice } from "./notice.js";

/** Takes exports and descriptors that are dropped on the page or chosen, and says whose events are shown. */
export function GivenFiles(): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const isOver = useSignal(false);
  const take = async (files: FileList | null | undefined): Promise<void> => {
    if (files && files.length > 0 && (await view([...files]))) go({ view: "streams" });
  };
  const choose = (): void => input.current?.click();
  useKeys({ o: ["open an export, and the descriptors that belong to it", choose] });
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      isOver.value = event.type === "dragover";
      if (event.type === "drop") void take(event.dataTransfer.files);
    };
    const kinds = ["dragover", "dragleave", "drop"] as const;
    for (const kind of kinds) addEventListener(kind, over);
    return () => {
      for (const kind of kinds) removeEventListener(kind, over);
    };
  }, []);
  const { value: file } = viewed;
  return (
    <>
      <button type="button" onClick={choose}>
        Open…
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="An export, and the descriptors that belong to it"
        onChange={({ currentTarget }) => {
          void take(currentTarget.files).then(() => {
            currentTarget.value = "";
          });
        }}
      />
      {isOver.value && <div class="drop">Drop an export, and the descriptors that belong to it (image.binpb)</div>}
      <div class="given" role="status">
        {reading.value && (
          <>
            Reading <bdi>{reading.value.name}</bdi>: {counted(reading.value.lines, "line")}{" "}
            <button type="button" onClick={reading.value.stop}>
              Stop
            </button>
          </>
        )}
        {file && (
          <>
            This is the file <b>{file.name}</b>, with {counted(file.events, "event")} and {counted(file.rows, "row")}.
            It stays in this page.{" "}
            {file.schemas === undefined &&
              "Open the descriptors too (buf build -o image.binpb), to see what the events hold. "}
            {file.problems.join(" ")}{" "}
            <button
              type="button"
              onClick={() => {
                leave();
                go({ view: "streams" });
              }}
            >
              Back to the store
            </button>
          </>
        )}
      </div>
      {said.value && <Notice kind={said.value.kind}>{said.value.text}</Notice>}
    </>
  );
}
