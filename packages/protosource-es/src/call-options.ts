/** What every call to a store takes. */
export interface CallOptions {
  /**
   * Aborts the call. Before anything is sent, and for reads at any time, the call throws `cancelled`. A save that is
   * under way is looked up first: it returns if it was stored, else it throws `unavailable` with its `commitId`.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Which part of a table to read, and from where on. */
export interface ScanOptions extends CallOptions {
  /**
   * One of `of` parts, which together hold everything once, so that several readers can share the work. A part may be
   * empty, and a store may put everything into one. All of the table by default.
   */
  readonly segment?: ScanSegment | undefined;
  /** Where an earlier page of the same part ended. */
  readonly cursor?: string | undefined;
  /** The number of items to read at most, where one may hold several records. By default a page of the store's. */
  readonly limit?: number | undefined;
}

/** A part of a table: number `index`, from 0, of `of`. */
export interface ScanSegment {
  readonly index: number;
  readonly of: number;
}
