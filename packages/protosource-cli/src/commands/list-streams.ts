/** `streams list`: what streams there are. */
import { type Action, type SchemaOptions, useStore } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { byteSize, isoTime, shortName, wholeNumber } from "../format.js";
import { loadSchemas } from "../load-schemas.js";
import type { Output } from "../output.js";
import { type Payload, readPayload } from "../payload.js";
import { recordPages } from "../scanning.js";
import type { Schemas } from "../schemas.js";
import { type StreamSummary, sumUp } from "../stream-summary.js";

export interface ListOptions extends SchemaOptions {
  readonly prefix?: string;
  readonly limit?: string;
}

const TITLES = ["STREAM", "RECORDS", "VERSIONS", "LAST EVENT", "TYPE", "SIZE"];

export const listStreams: Action<ListOptions> = async ({ output, signal }, options) => {
  const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber(options.limit, "--limit");
  const schemas = await loadSchemas(options);
  return useStore(options, async ({ store }) => {
    let listed = 0;
    for await (const summaries of summaryPages(recordPages(store, { signal }), options.prefix ?? "", output)) {
      const shown = summaries.slice(0, limit - listed);
      listed += shown.length;
      await print(output, shown, schemas);
      if (listed >= limit) break;
    }
    if (listed === 0 && !output.json) output.note("There are no streams.");
    return EXIT.ok;
  });
};

/** Sums up the streams of each page, but for the last one, which may go on. */
async function* summaryPages(
  pages: ReturnType<typeof recordPages>,
  prefix: string,
  output: Output,
): AsyncGenerator<readonly StreamSummary[], void, undefined> {
  let last: StreamSummary | undefined;
  for await (const { records, unreadable } of pages) {
    for (const error of unreadable) output.note(`warning: ${error.rawMessage}`);
    const found = sumUp(records, prefix, last);
    last = found.at(-1);
    yield found.slice(0, -1);
  }
  if (last) yield [last];
}

async function print(output: Output, summaries: readonly StreamSummary[], schemas: Schemas): Promise<void> {
  const rows: string[][] = [];
  for (const { streamId, first, records, bytes, last } of summaries) {
    const payload = readPayload(streamId, last.record, schemas);
    const time = timeOf(payload);
    const lastVersion = last.record.version;
    if (output.json) {
      await output.value({
        stream: streamId,
        records,
        first,
        last: lastVersion,
        at: time,
        type: payload.typeName,
        bytes,
      });
    } else {
      const type = shortName(payload.typeName ?? "?");
      rows.push([streamId, `${records}`, `${first}–${lastVersion}`, time ?? "", type, byteSize(bytes)]);
    }
  }
  if (rows.length > 0) await output.table(TITLES, rows);
}

function timeOf({ event }: Payload): string | undefined {
  const at = (event?.message as { at?: unknown } | undefined)?.at;
  return typeof at === "bigint" ? isoTime(at) : undefined;
}
