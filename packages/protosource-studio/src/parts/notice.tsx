import type { ComponentChildren, JSX } from "preact";

/** Says why there is nothing to see, or that something is wrong, and what to do. */
export function Notice({ kind, children }: { kind: "empty" | "error"; children: ComponentChildren }): JSX.Element {
  return (
    <div class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {children}
    </div>
  );
}
