import type { JSX, RefObject } from "preact";
import type { DomainInfo } from "protosource-cli/studio";
import { LINE_HEIGHT, layoutStates, NEW, STATE_HEIGHT, widthOf } from "../state-layout.js";

export interface StatePictureProps {
  /** The short name of the aggregate. */
  readonly name: string;
  readonly domain: DomainInfo;
  readonly picture: RefObject<SVGSVGElement | null>;
}

/** Draws the states of an aggregate, and the commands that lead from one to another. */
export function StatePicture({ name, domain, picture }: StatePictureProps): JSX.Element {
  const { states, transitions } = domain;
  const short = shortened(states.map(({ name }) => name));
  const unreached = new Set(states.filter(({ reached }) => !reached).map(({ name }) => name));
  const moves = transitions.map(({ from = NEW, to, command }) => ({ from, to, command }));
  const drawn = new Set([NEW, ...moves.flatMap(({ from, to }) => [from, to]), ...unreached]);
  const layout = layoutStates(
    [...drawn].map((state) => short(state)),
    moves.map(({ from, to, command }) => ({ from: short(from), to: short(to), command })),
  );
  const lonely = new Set([...unreached].map(short));
  const { left, top, width, height } = layout;
  return (
    <svg
      ref={picture}
      class="states"
      role="img"
      aria-labelledby="states-title states-text"
      viewBox={`${left} ${top} ${width} ${height}`}
      width={Math.ceil(width)}
      height={Math.ceil(height)}
    >
      <title id="states-title">The states of {name}</title>
      <desc id="states-text">
        {moves
          .map(({ from, to, command }) => `${from === NEW ? "new" : short(from)} to ${short(to)} by ${command}`)
          .join("; ")}
      </desc>
      <defs>
        <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
          <path class="tip" d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      <rect class="ground" x={left} y={top} width={width} height={height} />
      {layout.arrows.map(({ from, to, path }) => (
        <path key={`${from} ${to}`} class="arrow" d={path} marker-end="url(#tip)" />
      ))}
      {layout.states.map(({ name, x, y, width }) =>
        name === NEW ? (
          <circle key={name} class="new" cx={x} cy={y} r={8} />
        ) : (
          <g key={name} class={lonely.has(name) ? "state lonely" : "state"}>
            <rect x={x - width / 2} y={y - STATE_HEIGHT / 2} width={width} height={STATE_HEIGHT} rx={8} />
            <text x={x} y={y + 4.5} text-anchor="middle">
              {name}
            </text>
          </g>
        ),
      )}
      {layout.arrows.flatMap(({ from, to, labels, x, y }) =>
        labels.map((label, i) => {
          const top = y + (i - (labels.length - 1) / 2) * LINE_HEIGHT;
          const width = widthOf([label]);
          return (
            <g key={`${from} ${to} ${label}`} class="label">
              <rect x={x - width / 2} y={top - LINE_HEIGHT / 2} width={width} height={LINE_HEIGHT} />
              <text x={x} y={top + 4} text-anchor="middle">
                {label}
              </text>
            </g>
          );
        }),
      )}
    </svg>
  );
}

/** Gives what leaves out the beginning that all names share, such as `STATE_`. */
export function shortened(names: readonly string[]): (name: string) => string {
  const [first = ""] = names;
  let length = names.length > 1 ? first.lastIndexOf("_") + 1 : 0;
  while (length > 0 && !names.every((name) => name.startsWith(first.slice(0, length)))) {
    length = first.lastIndexOf("_", length - 2) + 1;
  }
  return (name) => (name.startsWith(first.slice(0, length)) ? name.slice(length) : name);
}
