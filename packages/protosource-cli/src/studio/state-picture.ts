/** The states of an aggregate as a picture: what is drawn where. */
import type { Description } from "../describe-aggregate.js";
import type { PictureInfo } from "./domain-contract.js";
import { LINE_HEIGHT, layoutStates, NEW, STATE_HEIGHT, widthOf } from "./state-layout.js";

/** Draws the states that there are ways to, and those that nothing leads to. `prefix` is left out of their names. */
export function pictureOf({ states, transitions }: Description, prefix: string): PictureInfo {
  const short = (name: string): string => withoutPrefix(name, prefix);
  const unreached = new Set(states.filter(({ reached }) => !reached).map(({ name }) => short(name)));
  const moves = transitions.map(({ from, to, command }) => {
    return { from: from === undefined ? NEW : short(from), to: short(to), command };
  });
  const drawn = new Set([NEW, ...moves.flatMap(({ from, to }) => [from, to]), ...unreached]);
  const { arrows, ...layout } = layoutStates([...drawn], moves);
  return {
    ...layout,
    states: layout.states.map(({ name, ...place }) => ({
      ...{ name, ...place, height: STATE_HEIGHT },
      ...(name === NEW ? { isNew: true } : {}),
      ...(unreached.has(name) ? { isUnreached: true } : {}),
    })),
    paths: arrows.map(({ path }) => path),
    labels: arrows.flatMap(({ labels, x, y }) =>
      labels.map((text, i) => ({
        ...{ text, x, y: y + (i - (labels.length - 1) / 2) * LINE_HEIGHT },
        ...{ width: widthOf([text]), height: LINE_HEIGHT },
      })),
    ),
    text: moves.map(({ from, to, command }) => `${from === NEW ? "new" : from} to ${to} by ${command}`).join("; "),
  };
}

/** Finds what all names begin with, such as `STATE_`. */
export function sharedPrefix(names: readonly string[]): string {
  const [first = ""] = names;
  let length = names.length > 1 ? first.lastIndexOf("_") + 1 : 0;
  while (length > 0 && !names.every((name) => name.startsWith(first.slice(0, length)))) {
    length = first.lastIndexOf("_", length - 2) + 1;
  }
  return first.slice(0, length);
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
