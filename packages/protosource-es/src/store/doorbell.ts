/** What rings when a stream has changed. */
import type { CallOptions } from "../call-options.js";
import type { StoredRecord } from "./store.js";

/**
 * Says that a stream has changed, and no more: it may be lost, or come late, twice and out of order. What the stream
 * holds is told by the store.
 */
export interface Doorbell {
  readonly streamId: string;
  /** The last version that was saved, or the version that was deleted. */
  readonly version: bigint;
  /** Whether records were saved, or were deleted: by their expiry, or by hand. */
  readonly kind: "saved" | "gone";
  /** What was saved, up to `version`, where the source knows. It spares a read of the store. */
  readonly records?: readonly StoredRecord[] | undefined;
}

/** Some doorbells that rang, in no promised order. */
export interface DoorbellBatch {
  readonly doorbells: readonly Doorbell[];
  /** Whether doorbells may have been missed before these, so that only a look at all streams finds what they told. */
  readonly missed?: boolean | undefined;
}

/** Where doorbells come from. */
export interface DoorbellSource {
  /**
   * Gives what rings, until the signal is aborted; then it ends without an error. Who asks for the next batch has done
   * with the one before: a source that keeps how far it has come may keep that.
   */
  listen(options?: CallOptions): AsyncIterable<DoorbellBatch>;
}

/** Who answers to doorbells. */
export interface DoorbellReceiver {
  /**
   * Does what the doorbells ask for, and tells of which streams it couldn't be done for now: the store didn't answer, or
   * the signal was aborted first. They must ring again.
   */
  deliver(
    doorbells: readonly Doorbell[],
    options?: CallOptions,
  ): Promise<{ readonly failures: readonly { readonly doorbell: Doorbell }[] }>;
}
