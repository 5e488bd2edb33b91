import type { ComponentChildren, JSX } from "preact";

export interface TabsProps<N extends string> {
  /** What the tabs are called, by their names. */
  readonly tabs: Readonly<Record<N, string>>;
  readonly shown: string;
  readonly show: (name: N) => void;
  /** What is in the tab that is shown. */
  readonly children: ComponentChildren;
}

/** Shows one of several things in the same place. */
export function Tabs<N extends string>({ tabs, shown, show, children }: TabsProps<N>): JSX.Element {
  return (
    <>
      <div class="tabs" role="tablist" aria-label="What to show">
        {(Object.keys(tabs) as N[]).map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={shown === name}
            aria-controls="panel"
            onClick={() => show(name)}
          >
            {tabs[name]}
          </button>
        ))}
      </div>
      <div id="panel" class="panel" role="tabpanel" aria-labelledby={`tab-${shown}`}>
        {children}
      </div>
    </>
  );
}
