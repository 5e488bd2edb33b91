import type { JSX, RefObject } from "preact";
import type { PictureInfo } from "protosource-cli/studio";

export interface StatePictureProps {
  /** The short name of the aggregate. */
  readonly name: string;
  readonly info: PictureInfo;
  readonly picture: RefObject<SVGSVGElement | null>;
}

/** Draws the states of an aggregate, and the commands that lead from one to another. */
export function StatePicture({ name, info, picture }: StatePictureProps): JSX.Element {
  const { left, top, width, height, text, states, paths, labels } = info;
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
      <desc id="states-text">{text}</desc>
      <defs>
        <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
          <path class="tip" d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      <rect class="ground" x={left} y={top} width={width} height={height} />
      {paths.map((path) => (
        <path key={path} class="arrow" d={path} marker-end="url(#tip)" />
      ))}
      {states.map((state) =>
        state.isNew ? (
          <circle key={state.name} class="new" cx={state.x} cy={state.y} r={8} />
        ) : (
          <Box key={state.name} class={state.isUnreached ? "state lonely" : "state"} box={state} text={state.name} />
        ),
      )}
      {labels.map((label) => (
        <Box key={`${label.text} ${label.x} ${label.y}`} class="label" box={label} text={label.text} />
      ))}
    </svg>
  );
}

interface BoxProps {
  readonly class: string;
  readonly box: PictureInfo["labels"][number] | PictureInfo["states"][number];
  readonly text: string;
}

function Box({ class: name, box: { x, y, width, height }, text }: BoxProps): JSX.Element {
  return (
    <g class={name}>
      <rect x={x - width / 2} y={y - height / 2} width={width} height={height} rx={name === "label" ? 0 : 8} />
      <text x={x} y={y + 4} text-anchor="middle">
        {text}
      </text>
    </g>
  );
}
