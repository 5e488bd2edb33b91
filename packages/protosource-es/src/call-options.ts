/** What every call to a store takes. */
export interface CallOptions {
  /**
   * Aborts the call. Before anything is sent, and for reads at any time, the call throws `cancelled`. A save that is
   * under way is looked up first: it returns if it was stored, else it throws `unavailable` with its `commitId`.
   */
  readonly signal?: AbortSignal | undefined;
}
