import type { JSX } from "preact";

export interface ListHeadProps {
  /** What the columns are called; the names of those that hold numbers begin with `#`. */
  readonly columns: readonly string[];
  /** The class of rows whose columns it has. */
  readonly of?: string;
}

/** Names the columns of the list below it. */
export function ListHead({ columns, of = "" }: ListHeadProps): JSX.Element {
  return (
    <div class={`row head ${of}`} aria-hidden="true">
      {columns.map((column) => (
        <span key={column} class={column.startsWith("#") ? "number" : undefined}>
          {column.replace("#", "")}
        </span>
      ))}
    </div>
  );
}
