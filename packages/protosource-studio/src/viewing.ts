/** Looking at an export instead of a store: it is read into the page, and leaves it for nowhere. */
import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { ReadExport, Schemas } from "protosource-cli/studio";
import { answering } from "./ask.js";

/** An export that is looked at. */
export interface Viewed extends ReadExport {
  readonly name: string;
  readonly schemas: Schemas | undefined;
}

/** What is being read, and what ends that. */
export interface Reading {
  readonly name: string;
  readonly lines: number;
  readonly stop: () => void;
}

/** Words for the user, for a `Notice`. */
export interface Said {
  readonly kind: "empty" | "error";
  readonly text: string;
}

const current = signal<Viewed | undefined>(undefined);
const underWay = signal<Reading | undefined>(undefined);
const words = signal<Said | undefined>(undefined);

/** The export that is looked at; undefined for the store itself. */
export const viewed: ReadonlySignal<Viewed | undefined> = current;

/** What is being read. */
export const reading: ReadonlySignal<Reading | undefined> = underWay;

/** What came of the files that were given last, where that needs words. */
export const said: ReadonlySignal<Said | undefined> = words;

/** Descriptors that came before an export. */
let waiting: Schemas | undefined;

/** What answers when no file is looked at. */
const own = answering.peek();

/** Reads an export, descriptors or both, and shows them. Where something is wrong with them, all stays as it is. */
export async function view(files: readonly File[]): Promise<boolean> {
  underWay.peek()?.stop();
  const abort = new AbortController();
  const { signal } = abort;
  const stop = (): void => {
    abort.abort();
    underWay.value = undefined;
  };
  const tell = (name: string, lines: number): void => {
    if (!signal.aborted) underWay.value = { name, lines, stop };
  };
  words.value = undefined;
  try {
    tell(files.map(({ name }) => name).join(", "), 0);
    const { kindOfFile, readDescriptorsFile, readExportFile, schemasOf, studioApi } = await loadEngine();
    let { value: next }: { value: Viewed | undefined } = current;
    let schemas = next?.schemas ?? waiting;
    let isExport = false;
    for (const file of files) {
      if ((await kindOfFile(file)) === "descriptors") {
        schemas = await readDescriptorsFile(file);
        continue;
      }
      if (isExport) throw new Error("these are several exports: give one of them at a time");
      isExport = true;
      const { name } = file;
      next = { ...(await readExportFile(file, { signal, onLines: (lines) => tell(name, lines) })), name, schemas };
    }
    if (signal.aborted) return false;
    if (next === undefined) {
      waiting = schemas;
      words.value = { kind: "empty", text: "The descriptors are read. Now give the export that they belong to." };
      return false;
    }
    const { store, opaqueStore, name } = next;
    show(studioApi({ store, opaqueStore, schemas: schemas ?? schemasOf([]), name: { kind: "memory", name } }), {
      ...next,
      schemas,
    });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    const text = (error as { readonly rawMessage?: string }).rawMessage ?? (error as Error).message;
    words.value = { kind: "error", text: text.charAt(0).toUpperCase() + text.slice(1) };
    return false;
  } finally {
    if (!signal.aborted) underWay.value = undefined;
  }
}

/** Shows the store again. */
export function leave(): void {
  words.value = undefined;
  show(own, undefined);
}

function show(by: typeof answering.value, file: Viewed | undefined): void {
  batch(() => {
    answering.value = by;
    current.value = file;
  });
}

/** Loads what only this needs, from beside the page's own script. */
async function loadEngine(): Promise<typeof import("./engine/engine.js")> {
  return import(new URL("engine.js", import.meta.url).href);
}
