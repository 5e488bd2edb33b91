/** Keeps the focus in the page: where what had it goes away, the screen has it, and Tab goes on from there. */
export function keepFocus(): void {
  let last: Element | undefined;
  addEventListener("focusin", ({ target }) => {
    last = target as Element;
  });
  new MutationObserver(() => {
    if (last === undefined || last.isConnected) return;
    last = undefined;
    if (document.activeElement === document.body) focusScreen();
  }).observe(document.body, { childList: true, subtree: true });
}

/** Gives the focus to the screen as a whole. */
export function focusScreen(): void {
  document.querySelector("main")?.focus({ preventScroll: true });
}

/** Makes what gives the focus to the first part that a selector finds. */
export function focuses(selector: string): () => void {
  return () => document.querySelector<HTMLElement>(selector)?.focus();
}
