/** How the page looks. All but what it shows of persons is kept from one visit to the next. */
import { effect, type Signal, signal } from "@preact/signals";

/** How times are shown. */
export const TIMES = ["local", "UTC", "µs"] as const;
/** How personal fields are shown. */
export const PERSONAL = ["masked", "shown"] as const;
export const SCHEMES = ["system", "light", "dark"] as const;

export const times: Signal<(typeof TIMES)[number]> = kept("times", TIMES);
/** Kept nowhere, neither in the address: whoever loads the page, or gets a link to it, sees what is masked. */
export const personal: Signal<(typeof PERSONAL)[number]> = signal(PERSONAL[0]);
export const scheme: Signal<(typeof SCHEMES)[number]> = kept("scheme", SCHEMES);

effect(() => {
  document.documentElement.dataset["scheme"] = scheme.value;
});

/** Gives the next of some values, after the last one the first. */
export function nextOf<T>(values: readonly T[], value: T): T {
  return values[(values.indexOf(value) + 1) % values.length] as T;
}

function kept<T extends string>(name: string, values: readonly [T, ...T[]]): Signal<T> {
  const key = `protosource-studio-${name}`;
  const found = values.find((value) => value === localStorage.getItem(key)) ?? values[0];
  const setting: Signal<T> = signal(found);
  effect(() => localStorage.setItem(key, setting.value));
  return setting;
}
