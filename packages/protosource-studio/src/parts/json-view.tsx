import type { JsonValue } from "@bufbuild/protobuf";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { valueText } from "../words.js";
import { VirtualList } from "./virtual-list.js";

/** A line of the view. */
interface Line {
  readonly depth: number;
  readonly name: string;
  readonly path: string;
  /** Undefined for what has lines of its own below. */
  readonly value: string | undefined;
  readonly kind: string;
}

export interface JsonViewProps {
  readonly label: string;
  readonly value: JsonValue;
  /** Marks lines, by the path of their value: as `added`, or `changed`. */
  readonly marks?: ReadonlyMap<string, string> | undefined;
  /** What stands at the end of a line. */
  readonly aside?: ((path: string) => JSX.Element | undefined) | undefined;
  /** Called when a line is opened. */
  readonly open?: ((path: string) => void) | undefined;
}

const ROW_HEIGHT = 24;

/** Shows JSON of any size, a line for each value. */
export function JsonView({ label, value, marks, aside, open }: JsonViewProps): JSX.Element {
  const selected = useSignal(-1);
  const lines = useMemo(() => linesOf(value), [value]);
  return (
    <VirtualList
      label={label}
      count={lines.length}
      rowHeight={ROW_HEIGHT}
      selected={selected.value}
      select={(index) => {
        selected.value = index;
      }}
      open={(index) => open?.((lines[index] as Line).path)}
      row={(index) => {
        const { depth, name, path, value, kind } = lines[index] as Line;
        return (
          <span class={`json ${marks?.get(path) ?? ""} depth-${Math.min(depth, 8)}`}>
            <span class="json-name">{name}</span>
            {value !== undefined && (
              <span class={`json-value ${kind}`} title={value}>
                {valueText(path, value)}
              </span>
            )}
            {aside?.(path)}
          </span>
        );
      }}
    />
  );
}

function linesOf(value: JsonValue): readonly Line[] {
  const lines: Line[] = [];
  const add = (value: JsonValue, name: string, path: string, depth: number): void => {
    if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
      lines.push({ depth, name, path, value: undefined, kind: "object" });
      addWithin(value, path, depth + 1);
    } else {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      lines.push({ depth, name, path, value: text === "" ? "“”" : text, kind: value === null ? "null" : typeof value });
    }
  };
  const addWithin = (value: JsonValue & object, path: string, depth: number): void => {
    if (Array.isArray(value))
      for (const [i, one] of value.entries()) add(one as JsonValue, String(i), `${path}[${i}]`, depth);
    else for (const [name, one] of Object.entries(value)) add(one as JsonValue, name, pathTo(path, name), depth);
  };
  if (typeof value === "object" && value !== null) addWithin(value, "", 0);
  else add(value, "", "", 0);
  return lines;
}

/** Writes paths as the API does. */
function pathTo(path: string, name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}
