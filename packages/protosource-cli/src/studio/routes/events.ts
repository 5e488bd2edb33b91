import { aggregateOf } from "../../schemas.js";
import type { EventPage } from "../contract.js";
import { viewEvent } from "../event-view.js";
import { pageSize, required } from "../query.js";
import { forgetHistories } from "../state-history.js";
import type { Route } from "../studio.js";

/** `events`: a page of the records of the stream `id`, damaged ones too. The first page looks at the stream anew. */
export const events: Route = async (studio, query, signal): Promise<EventPage> => {
  const { store, schemas } = studio;
  const id = required(query, "id");
  const cursor = query.get("cursor") ?? undefined;
  if (cursor === undefined) forgetHistories(studio, id);
  const page = await store.scan({ aggregateId: id, cursor, limit: pageSize(query, 500, 5_000), signal });
  const known = aggregateOf(schemas, id);
  const now = BigInt(Math.floor(Date.now() / 1000));
  return {
    events: page.records.map((scanned) => viewEvent(scanned, schemas, known, now).summary),
    unreadable: page.unreadable.map(({ rawMessage }) => rawMessage),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
};
