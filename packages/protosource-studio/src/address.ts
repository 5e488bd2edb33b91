/** Where in the page one is: all of it is in the address, so that a link leads there again. */
import { type ReadonlySignal, signal } from "@preact/signals";
import { focusScreen } from "./keep-focus.js";

/** The parameters of the address; `view` names the screen. */
export type Place = { readonly [name: string]: string };

/** What the browser keeps with an address that the page itself led to, also while it is loaded again. */
const FROM_HERE = "from here";

const current = signal<Place>(placeIn(location.search));

/** Where one is. */
export const place: ReadonlySignal<Place> = current;

addEventListener("popstate", () => {
  current.value = placeIn(location.search);
});

/** Goes to another place. Going back leads here again. */
export function go(to: Place): void {
  history.pushState(FROM_HERE, "", addressOf(to));
  current.value = to;
  focusScreen();
}

/** Goes back to where one came from; to another place where that wasn't in this page, as with a link that was given. */
export function back(otherwise: Place): void {
  if (history.state === FROM_HERE) history.back();
  else go(otherwise);
}

/** Changes some of the parameters, and leaves nothing to go back to; those that are undefined go. */
export function adjust(change: { readonly [name: string]: string | undefined }): void {
  const next = Object.fromEntries(
    Object.entries({ ...current.peek(), ...change }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  history.replaceState(history.state, "", addressOf(next));
  current.value = next;
}

/** Gives the address of a place. */
export function addressOf(to: Place): string {
  return `?${new URLSearchParams(to)}`;
}

function placeIn(search: string): Place {
  return Object.fromEntries(new URLSearchParams(search));
}

/** Goes by itself where a plain click asks for a link's place; other clicks are the browser's. */
export function goes(to: Place): (event: MouseEvent) => void {
  return (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
}
