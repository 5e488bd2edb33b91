import type { ScannedRecord } from "protosource-es";
import { aggregateOf } from "../../schemas.js";
import type { EventPage } from "../contract.js";
import { viewEvent } from "../event-view.js";
import { pageSize, required } from "../query.js";
import { readEvents } from "../read-events.js";
import { forgetHistories } from "../state-history.js";
import type { Route } from "../studio.js";

/** `events`: a page of the records of the stream `id`, damaged ones too. The first page looks at the stream anew. */
export const events: Route = async (studio, query, signal): Promise<EventPage> => {
  const { store, schemas, personal } = studio;
  const id = required(query, "id");
  const cursor = query.get("cursor") ?? undefined;
  if (cursor === undefined) forgetHistories(studio, id);
  const page = await store.scan({ aggregateId: id, cursor, limit: pageSize(query, 500, 5_000), signal });
  const read = await readEvents(schemas, page.records, personal.isShown, signal);
  const known = aggregateOf(schemas, id);
  const now = BigInt(Math.floor(Date.now() / 1000));
  return {
    events: read.map((one, i) => {
      const { summary } = viewEvent(one, schemas, known, personal, now);
      const save = sharedSave(page.records, i, { before: cursor !== undefined, behind: page.cursor !== undefined });
      return save === undefined ? summary : { ...summary, save };
    }),
    unreadable: page.unreadable.map(({ rawMessage }) => rawMessage),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
};

/** Gives what a record has in common with a neighbour that was saved with it: perhaps one of the page before or behind. */
function sharedSave(
  records: readonly ScannedRecord[],
  i: number,
  goesOn: { readonly before: boolean; readonly behind: boolean },
): string | undefined {
  const commitId = records[i]?.commitId;
  const isShared = (neighbour: ScannedRecord | undefined, isBeyond: boolean): boolean =>
    neighbour === undefined ? isBeyond : neighbour.commitId === commitId;
  const { before, behind } = goesOn;
  return isShared(records[i - 1], before) || isShared(records[i + 1], behind) ? commitId : undefined;
}
