import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

export interface VirtualListProps {
  /** What the list holds, for those who can't see it. */
  readonly label: string;
  readonly count: number;
  /** The height of each row, in pixels. */
  readonly rowHeight: number;
  readonly selected: number;
  readonly select: (index: number) => void;
  /** Called when the selected row is opened by Enter, or by a click: on its part of the class `opens`, if it has one. */
  readonly open?: ((index: number) => void) | undefined;
  readonly row: (index: number) => ComponentChildren;
  /** Called when the last rows come into view. */
  readonly atEnd?: (() => void) | undefined;
}

/** How many rows are kept ready beyond what is seen, on each side. */
const MORE = 8;

/** A list of any length, of which only the rows in view are in the page. */
export function VirtualList(props: VirtualListProps): JSX.Element {
  const { label, count, rowHeight, selected, select, open, row, atEnd } = props;
  const list = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const first = Math.max(0, Math.floor(top.value / rowHeight) - MORE);
  const last = Math.min(count, Math.ceil((top.value + height.value) / rowHeight) + MORE);

  useLayoutEffect(() => {
    const element = list.current as HTMLDivElement;
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [height]);
  useLayoutEffect(() => {
    if (inner.current) inner.current.style.height = `${count * rowHeight}px`;
    if (rows.current) rows.current.style.transform = `translateY(${first * rowHeight}px)`;
  });
  useEffect(() => {
    const element = list.current;
    if (element === null || selected < 0) return;
    const start = selected * rowHeight;
    if (start < element.scrollTop) element.scrollTop = start;
    else if (start + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = start + rowHeight - element.clientHeight;
    }
  }, [selected, rowHeight]);
  useEffect(() => {
    if (last >= count) atEnd?.();
  }, [last, count, atEnd]);

  const id = (index: number): string => `${label.replaceAll(/\W/g, "-")}-${index}`;
  const move = (to: number): void => select(Math.max(0, Math.min(count - 1, to)));
  const page = Math.max(1, Math.floor(height.value / rowHeight) - 1);
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: { readonly [key: string]: number } = {
      ArrowDown: selected + 1,
      ArrowUp: selected - 1,
      PageDown: selected + page,
      PageUp: selected - page,
      Home: 0,
      End: count - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) move(to);
    else if (event.key === "Enter" && selected >= 0) open?.(selected);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      class="list"
      ref={list}
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={selected >= first && selected < last ? id(selected) : undefined}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
      onKeyDown={onKeyDown}
    >
      <div class="list-inner" ref={inner} role="presentation">
        <div ref={rows} role="presentation">
          {Array.from({ length: Math.max(0, last - first) }, (_, i) => {
            const index = first + i;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys of its rows.
              <div
                key={index}
                id={id(index)}
                class="row"
                role="option"
                tabIndex={-1}
                aria-selected={index === selected}
                aria-setsize={count}
                aria-posinset={index + 1}
                onClick={({ currentTarget, target }) => {
                  select(index);
                  const part = currentTarget.querySelector(".opens");
                  if (part === null || part.contains(target as Node)) open?.(index);
                }}
              >
                {row(index)}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
