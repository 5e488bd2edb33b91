/** What is loaded, and what stands in its place until then. */
import { type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { answering, ask, type NoAnswer, type Parameters } from "./ask.js";

/** An answer, or why there is none yet. What was there before stays until the next one comes. */
export interface Loaded<T> {
  readonly value?: T;
  readonly error?: NoAnswer;
  readonly isLoading: boolean;
  /** Asks the same anew. */
  readonly again: () => void;
}

/** Asks whenever what is asked for changes, and by another `turn` the same anew; nothing while `route` is undefined. */
export function useAnswer<T>(route: string | undefined, parameters: Parameters, turn = 0): Signal<Loaded<T>> {
  const tries = useSignal(0);
  const again = (): void => void tries.value++;
  const loaded = useSignal<Loaded<T>>({ isLoading: true, again });
  const key = JSON.stringify([route, parameters, turn, tries.value]);
  const by = answering.value;
  // At once: an effect waits until the page was drawn, which is longer than most answers take.
  useLayoutEffect(() => {
    if (route === undefined) return;
    const abort = new AbortController();
    const { value } = loaded.peek();
    loaded.value = { ...(value !== undefined && { value }), isLoading: true, again };
    ask<T>(route, parameters, abort.signal).then(
      (value) => {
        if (!abort.signal.aborted) loaded.value = { value, isLoading: false, again };
      },
      (error: NoAnswer) => {
        if (!abort.signal.aborted) loaded.value = { error, isLoading: false, again };
      },
    );
    return () => abort.abort();
  }, [key, by]);
  return loaded;
}
