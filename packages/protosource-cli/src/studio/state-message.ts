/** The state of an aggregate as a message, for what decides on it. */
import { create } from "@bufbuild/protobuf";
import type { AggregateTypes } from "protosource-es";
import { usageError } from "../failure.js";
import { parseMoment } from "../moment.js";
import { recordPages } from "../scanning.js";
import type { KnownAggregate } from "../schemas.js";
import { followState } from "../state-follower.js";
import { stateJson } from "../state-json.js";
import { envelopeOf, mentionsSealed } from "./event-view.js";
import { readEvents } from "./read-events.js";
import type { Studio } from "./studio.js";

/** A state that is decided on. */
export interface DecidedState {
  readonly state: AggregateTypes["aggregate"];
  /** Whether fields of it are sealed, and empty: their keys aren't here. */
  readonly sealed: boolean;
}

/**
 * Gives the state of an aggregate up to a version or a time, which reads its stream up to there; an empty one before the
 * first event. Rules see personal fields, so that what is sealed is opened, also where it isn't to be shown. Throws `invalid_argument` where the records don't tell it.
 */
export async function stateMessage(
  { store, schemas }: Studio,
  known: KnownAggregate,
  id: string,
  at: string,
  signal: AbortSignal,
): Promise<DecidedState> {
  const moment = parseMoment(at, "at");
  const follower = followState(known);
  let last = 0n;
  const take = async (): Promise<void> => {
    for await (const { records } of recordPages(store, { aggregateId: id, signal })) {
      for (const { scanned, payload } of await readEvents(schemas, records, true, signal)) {
        const { record } = scanned;
        if (moment.isPast(record, envelopeOf(payload).at)) return;
        follower.next(record, payload.event?.message);
        last = record.version;
      }
    }
  };
  await take();
  const empty = create(known.definition.schema) as AggregateTypes["aggregate"];
  if (last === 0n) return { state: empty, sealed: false };
  const state = follower.state() as AggregateTypes["aggregate"] | undefined;
  const json = stateJson(follower, known, schemas);
  if (state === undefined || json === undefined)
    throw usageError("at", `the state isn't known at version ${last}: take one behind a snapshot`);
  return { state, sealed: mentionsSealed(json) };
}
