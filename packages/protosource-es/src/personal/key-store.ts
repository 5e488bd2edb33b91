/** What has to keep the keys of persons. */
import type { CallOptions } from "../call-options.js";

/** A key that seals the fields of one person. */
export interface DataKey {
  /** Names the key. It says nothing of the person. */
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

export interface CurrentKeyOptions extends CallOptions {
  /** Makes a new key for a person who was forgotten. What was sealed before stays erased. Off by default. */
  readonly renew?: boolean | undefined;
}

export interface EraseOptions extends CallOptions {
  /** Why, for whoever looks later, such as the number of the request. It isn't sealed: write nothing personal. */
  readonly reason?: string | undefined;
}

/** What is known of a person's key. */
export interface KeyStatus {
  /** Whether there is a key, so that what was sealed with it can be opened. */
  readonly hasKey: boolean;
  /** How many keys of the person were erased. */
  readonly erasedKeys: number;
  /** When the person was last forgotten, in microseconds since the Unix epoch; undefined for never. */
  readonly erasedAt: bigint | undefined;
  /** Why. */
  readonly reason: string | undefined;
}

/**
 * Keeps the keys of persons, one for each at a time. A key that it has given is there until it is erased: what it
 * doesn't know is never taken for erased.
 *
 * Every call throws `unavailable` when the keys can't be reached.
 */
export interface KeyStore {
  /** Gives the key of a person, and makes it where there is none. Throws `subject_erased` for one who was forgotten. */
  current(subject: string, options?: CurrentKeyOptions): Promise<DataKey>;

  /** Gives what became of keys, by their ids. One that the store has never had isn't among them. */
  find(keyIds: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, DataKey | "erased">>;

  /**
   * Erases the key of a person for ever, and gives what is known then. Also of one who has none: no key is made later.
   * A second call changes nothing.
   */
  erase(subject: string, options?: EraseOptions): Promise<KeyStatus>;

  /** Tells what is known of a person's key; undefined for a person that the store has never heard of. */
  status(subject: string, options?: CallOptions): Promise<KeyStatus | undefined>;
}
