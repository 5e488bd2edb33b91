/** `streams verify`: whether every stream of a table can be read, and what is wrong where one can't. */
import { type Action, type SchemaOptions, type SegmentsOption, segmentCount, useStore } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { allAtOnce } from "../for-each.js";
import { counted } from "../format.js";
import { loadSchemas } from "../load-schemas.js";
import { createPace, type PaceOption } from "../pace.js";
import { createProgress } from "../progress.js";
import { recordPages, streamsOf } from "../scanning.js";
import { findProblems, isWarning, type Problem, printProblems, unreadable } from "../stream-problems.js";

export type VerifyOptions = SchemaOptions & SegmentsOption & PaceOption;

export const verifyStreams: Action<VerifyOptions> = async ({ output, signal }, options) => {
  const segments = segmentCount(options);
  const { pace, onRequest, pageSize } = await createPace(options);
  const schemas = await loadSchemas(options);
  for (const problem of schemas.problems) output.note(`warning: ${problem}`);
  return useStore(
    options,
    async ({ store, estimate }) => {
      const counts = { records: 0, streams: 0, problems: 0, warnings: 0 };
      const progress = createProgress(output, "records", (await estimate())?.records);
      const report = async (problems: readonly Problem[]): Promise<void> => {
        const warnings = problems.filter(isWarning).length;
        counts.warnings += warnings;
        counts.problems += problems.length - warnings;
        await printProblems(output, problems);
      };
      const verifySegment = async (index: number, signal: AbortSignal): Promise<void> => {
        const segment = { index, of: segments };
        const pages = async function* (): ReturnType<typeof recordPages> {
          for await (const page of recordPages(store, { segment, limit: pageSize, signal })) {
            await report(page.unreadable.map((error) => unreadable(error, undefined)));
            yield page;
            counts.records += page.records.length;
            progress(counts.records, `${counts.problems} problems`);
            await pace(signal);
          }
        };
        for await (const found of streamsOf(pages())) {
          counts.streams++;
          await report(await findProblems(store, schemas, found));
        }
      };
      await allAtOnce(segments, signal, verifySegment);

      if (output.json) await output.value({ verified: counts });
      else {
        const { records, streams, problems, warnings } = counts;
        const found = counted(problems, "problem");
        const verdict = problems === 0 ? output.style("green", found) : output.style("red", found);
        const read = `${counted(records, "record")} in ${counted(streams, "stream")}`;
        await output.line(`${read}: ${verdict}, ${counted(warnings, "warning")}`);
        if (schemas.aggregates.length === 0) output.note("What the events hold was not checked: add --descriptors.");
      }
      return counts.problems === 0 ? EXIT.ok : EXIT.found;
    },
    { onRequest },
  );
};
