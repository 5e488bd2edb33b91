/** Looking through the streams, until all is read or the user has it stopped. */
import type { StreamFinding, StreamSize, VerifiedPage } from "protosource-cli/studio";
import { ask } from "./ask.js";
import { type PagesRead, usePages } from "./use-pages.js";

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
};

/** Looks through the stream `id` at once where one is given, else through all when told to. */
export function useVerify(id: string | undefined): PagesRead<Verified> {
  return usePages<Verified>({
    of: [id],
    nothing: NOTHING,
    next: async (found, signal) =>
      joined(found, await ask<VerifiedPage>("verify", { id, cursor: found.cursor }, signal)),
    goesOn: () => true,
    begins: id !== undefined,
  });
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
  };
}
