/** The state of an aggregate as a message, for what decides on it. */
import { create, type Message } from "@bufbuild/protobuf";
import type { AggregateTypes } from "protosource-es";
import { usageError } from "../failure.js";
import { parseMoment } from "../moment.js";
import { readPayload } from "../payload.js";
import { recordPages } from "../scanning.js";
import type { KnownAggregate } from "../schemas.js";
import { followState } from "../state-follower.js";
import { envelopeOf } from "./event-view.js";
import type { Studio } from "./studio.js";

/**
 * Gives the state of an aggregate up to a version or a time, which reads its stream up to there; an empty one before the
 * first event. Throws `invalid_argument` where the records don't tell it.
 */
export async function stateMessage(
  { store, schemas }: Studio,
  known: KnownAggregate,
  id: string,
  at: string,
  signal: AbortSignal,
): Promise<AggregateTypes["aggregate"]> {
  const moment = parseMoment(at, "at");
  const follower = followState(known);
  let last = 0n;
  const take = async (): Promise<void> => {
    for await (const { records } of recordPages(store, { aggregateId: id, signal })) {
      for (const { record } of records) {
        const payload = readPayload(id, record, schemas);
        if (moment.isPast(record, envelopeOf(payload).at)) return;
        follower.next(record, payload.event?.message);
        last = record.version;
      }
    }
  };
  await take();
  const state: Message | undefined = last === 0n ? create(known.definition.schema) : follower.state();
  if (state === undefined)
    throw usageError("at", `the state isn't known at version ${last}: take one behind a snapshot`);
  return state as AggregateTypes["aggregate"];
}
