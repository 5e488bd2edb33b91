import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { base64Encode, WireType } from "@bufbuild/protobuf/wire";
import { isProtosourceError, metaOf, ProtosourceError, type StoredRecord } from "protosource-es";
import { retirementOf } from "../../retirement.js";
import { recordPages } from "../../scanning.js";
import { aggregateOf, type KnownAggregate } from "../../schemas.js";
import type { EventDetail } from "../contract.js";
import { problemText, viewEvent } from "../event-view.js";
import { required } from "../query.js";
import { type ReadEvent, readEvents } from "../read-events.js";
import type { Route, Studio } from "../studio.js";

/** How much of a record's data is shown. */
const RAW_BYTES = 64 * 1024;

/** Where a message has what is sealed of it, which its schema needn't know. */
const SEALED_FIELD = 81_300;

/** `event`: the record of the stream `id` at a `version`, decoded and raw. */
export const event: Route = async (studio, query, signal): Promise<EventDetail> => {
  const { schemas, personal } = studio;
  const id = required(query, "id");
  const version = required(query, "version");
  const scanned = await findRecord(studio, id, version, signal);
  const [read] = (await readEvents(schemas, [scanned], personal.isShown, signal)) as readonly [ReadEvent];
  const { record } = scanned;
  const known = aggregateOf(schemas, id);
  const view = viewEvent(read, schemas, known, personal, BigInt(Math.floor(Date.now() / 1000)));
  const { json, masked } = view;
  // A record that is read alone doesn't tell it.
  const { following: _, ...summary } = view.summary;
  const { typeName, event } = read.payload;
  const { retired, problem = problemText(read.payload, personal) } = retirementView(studio, known, read);
  const hasRaw = !personal.hidesBytes(event?.schema);
  return {
    ...summary,
    ...(typeName === undefined ? {} : { typeName }),
    ...(record.ttl > 0n ? { expires: (record.ttl * 1_000_000n).toString() } : {}),
    ...(json === undefined ? {} : { json }),
    ...(hasRaw ? { raw: base64Encode(record.data.subarray(0, RAW_BYTES)) } : {}),
    unknown: (event?.message.$unknown ?? [])
      .filter(({ no }) => no !== SEALED_FIELD)
      .map(({ no, wireType, data }) => ({
        number: no,
        wireType: WireType[wireType] ?? String(wireType),
        bytes: data.length,
      })),
    ...metaView(record),
    ...(retired === undefined ? {} : { retired }),
    ...(problem === undefined ? {} : { problem }),
    ...(masked || !hasRaw ? { masked: true } : {}),
  };
};

/** Tells what a retired event is read as, or what keeps that from being known. */
function retirementView(
  { schemas: { registry }, personal }: Studio,
  known: KnownAggregate | undefined,
  { payload: { event } }: ReadEvent,
): Pick<EventDetail, "retired" | "problem"> {
  const found = event && retirementOf(known, event.message, registry);
  if (found === undefined) return {};
  const { reason, readAs, problem } = found;
  if (problem !== undefined) return { retired: { reason }, problem: personal.quote(problem) };
  if (readAs === undefined || readAs === "ignored") return { retired: { reason, ...(readAs && { readAs }) } };
  const { json } = personal.show(registry.getMessage(readAs.type) as DescMessage, readAs.event);
  return { retired: { reason, readAs: { type: readAs.type, event: json } satisfies JsonValue } };
}

async function findRecord(
  { store }: Studio,
  id: string,
  version: string,
  signal: AbortSignal,
): Promise<{ readonly aggregateId: string; readonly record: StoredRecord; readonly following: number }> {
  const wanted = /^\d{1,19}$/.test(version) ? BigInt(version) : 0n;
  if (wanted > 0n) {
    try {
      for await (const record of store.events(id, { from: wanted, limit: 1, includeExpired: true, signal })) {
        if (record.version === wanted) return { aggregateId: id, record, following: 0 };
      }
    } catch (error) {
      // A scan reads damaged streams, too.
      if (!isProtosourceError(error, "corrupt_stream") && !isProtosourceError(error, "corrupt_record")) throw error;
    }
    for await (const { records } of recordPages(store, { aggregateId: id, signal })) {
      const found = records.find(({ record }) => record.version === wanted);
      if (found) return found;
    }
  }
  const message = `${id} holds no record of version ${version}: take one of the timeline`;
  throw new ProtosourceError("not_found", message, { aggregateId: id, reason: "unknown" });
}

function metaView(record: StoredRecord): Pick<EventDetail, "meta"> {
  try {
    const meta = metaOf(record);
    if (meta === undefined) return {};
    const { correlationId, causation, traceparent } = meta;
    return {
      meta: {
        ...(correlationId ? { correlationId } : {}),
        ...(causation ? { causation: `${causation.streamId}:${causation.version}` } : {}),
        ...(traceparent ? { traceparent } : {}),
      },
    };
  } catch (error) {
    if (!isProtosourceError(error, "corrupt_record")) throw error;
    return { meta: { unreadable: base64Encode(record.meta ?? new Uint8Array()) } };
  }
}
