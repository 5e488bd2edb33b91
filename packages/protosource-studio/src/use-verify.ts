/** Looking through the streams, page by page, until all is read or the user has it stopped. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { StreamFinding, StreamSize, VerifiedPage } from "protosource-cli/studio";
import { ask, type NoAnswer } from "./ask.js";

/** What was found so far. */
export interface Verified {
  readonly records: number;
  readonly streams: number;
  readonly bytes: number;
  readonly problems: readonly StreamFinding[];
  readonly notable: readonly StreamSize[];
  readonly requests: number;
  readonly readUnits: number;
  readonly cursor: string | undefined;
  /** `idle` before the first look. */
  readonly stage: "idle" | "reading" | "stopped" | "done";
  readonly error: NoAnswer | undefined;
}

export interface Verifying {
  readonly found: Signal<Verified>;
  /** Begins anew with all streams. */
  readonly begin: () => void;
  /** Goes on where it was stopped, or failed. */
  readonly readOn: () => void;
  readonly stop: () => void;
}

const NOTHING: Verified = {
  records: 0,
  streams: 0,
  bytes: 0,
  problems: [],
  notable: [],
  requests: 0,
  readUnits: 0,
  cursor: undefined,
  stage: "idle",
  error: undefined,
};

/** Looks through the stream `id` at once where one is given, else through all when told to. */
export function useVerify(id: string | undefined): Verifying {
  const found = useSignal(NOTHING);
  const abort = useSignal<AbortController | undefined>(undefined);
  const readOn = async (): Promise<void> => {
    const own = new AbortController();
    abort.peek()?.abort();
    abort.value = own;
    found.value = { ...found.peek(), stage: "reading", error: undefined };
    try {
      do {
        const { cursor } = found.peek();
        const page = await ask<VerifiedPage>("verify", { id, cursor }, own.signal);
        if (own.signal.aborted) return;
        found.value = joined(found.peek(), page);
      } while (found.peek().cursor !== undefined);
    } catch (error) {
      if (!own.signal.aborted) found.value = { ...found.peek(), stage: "stopped", error: error as NoAnswer };
    }
  };
  const begin = (): void => {
    found.value = NOTHING;
    void readOn();
  };
  const stop = (): void => {
    abort.peek()?.abort();
    found.value = { ...found.peek(), stage: "stopped" };
  };
  useEffect(() => {
    found.value = NOTHING;
    if (id !== undefined) void readOn();
    return () => abort.peek()?.abort();
  }, [id]);
  return { found, begin, readOn: () => void readOn(), stop };
}

function joined(found: Verified, page: VerifiedPage): Verified {
  const { cursor, cost } = page;
  return {
    records: found.records + page.records,
    streams: found.streams + page.streams,
    bytes: found.bytes + page.bytes,
    problems: found.problems.concat(page.problems),
    notable: found.notable.concat(page.notable),
    requests: found.requests + (cost?.requests ?? 0),
    readUnits: found.readUnits + (cost?.readUnits ?? 0),
    cursor,
    stage: cursor === undefined ? "done" : "reading",
    error: undefined,
  };
}
