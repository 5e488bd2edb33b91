import { shortName } from "../../format.js";
import { readPayload } from "../../payload.js";
import type { Schemas } from "../../schemas.js";
import { type StreamSummary as Summed, sumUp } from "../../stream-summary.js";
import type { StreamPage, StreamSummary } from "../contract.js";
import { envelopeOf } from "../event-view.js";
import { pageSize } from "../query.js";
import type { Route } from "../studio.js";

/** As much as a page of DynamoDB holds of short records, about. */
const RECORDS = 2_000;

/** `streams`: a page of a scan, summed up by streams, of those alone that begin with `prefix`. */
export const streams: Route = async ({ store, schemas }, query, signal): Promise<StreamPage> => {
  const cursor = query.get("cursor") ?? undefined;
  const page = await store.scan({ cursor, limit: pageSize(query, RECORDS, 10_000), signal });
  return {
    streams: sumUp(page.records, query.get("prefix") ?? "").map((one) => view(one, schemas)),
    unreadable: page.unreadable.map(({ rawMessage }) => rawMessage),
    records: page.records.length,
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
};

function view({ streamId, first, records, bytes, last }: Summed, schemas: Schemas): StreamSummary {
  const payload = readPayload(streamId, last.record, schemas);
  const { at } = envelopeOf(payload);
  return {
    id: streamId,
    records,
    bytes,
    first: first.toString(),
    last: last.record.version.toString(),
    ...(at === undefined ? {} : { at: at.toString() }),
    ...(payload.typeName === undefined ? {} : { type: shortName(payload.typeName) }),
  };
}
