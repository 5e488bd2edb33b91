/** The state of an aggregate as a message, for what decides on it. */
import { create } from "@bufbuild/protobuf";
import type { AggregateTypes } from "protosource-es";
import { usageError } from "../failure.js";
import { parseMoment } from "../moment.js";
import type { KnownAggregate } from "../schemas.js";
import { followState } from "../state-follower.js";
import { stateJson } from "../state-json.js";
import { mentionsSealed } from "./event-view.js";
import { eventsUntil } from "./events-until.js";
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
  studio: Studio,
  known: KnownAggregate,
  id: string,
  at: string,
  signal: AbortSignal,
): Promise<DecidedState> {
  const moment = parseMoment(at, "at");
  const follower = followState(known);
  let last = 0n;
  for await (const { scanned, payload } of eventsUntil(studio, { id, moment, opens: true }, signal)) {
    follower.next(scanned.record, payload.event?.message);
    last = scanned.record.version;
  }
  const empty = create(known.definition.schema) as AggregateTypes["aggregate"];
  if (last === 0n) return { state: empty, sealed: false };
  const state = follower.state() as AggregateTypes["aggregate"] | undefined;
  const json = stateJson(follower, known, studio.schemas);
  if (state === undefined || json === undefined)
    throw usageError("at", `the state isn't known at version ${last}: take one behind a snapshot`);
  return { state, sealed: mentionsSealed(json) };
}
