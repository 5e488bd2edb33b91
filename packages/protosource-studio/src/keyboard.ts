/** The keys of the page: which do what, of the parts that are shown now. */
import { useLayoutEffect, useRef } from "preact/hooks";

/** What keys do, by their names, each with words for the help. */
export type Keys = { readonly [key: string]: readonly [what: string, run: () => void] };

const shown: { readonly current: Keys }[] = [];

/** Takes keys for as long as a part is shown; those of what came last go first. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  // At once: who sees a part may press its keys.
  useLayoutEffect(() => {
    shown.push(latest);
    return () => void shown.splice(shown.indexOf(latest), 1);
  }, []);
}

/** Gives what keys do now. */
export function keysNow(): readonly (readonly [key: string, what: string])[] {
  const found = new Map<string, string>();
  for (const { current } of shown) for (const [key, [what]] of Object.entries(current)) found.set(key, what);
  return [...found];
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
  for (const { current } of shown.toReversed()) {
    const found = current[event.key];
    if (found === undefined) continue;
    event.preventDefault();
    found[1]();
    return;
  }
});

/** Where letters are typed they mean themselves, and arrows move within what takes them. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (document.querySelector("dialog[open]")) return true;
  if (target instanceof HTMLInputElement && target.type === "range") return key.startsWith("Arrow");
  if (key === "Enter" || key === " ") return target.matches("a, button, summary, input, select, textarea");
  return target.matches("input, select, textarea");
}
