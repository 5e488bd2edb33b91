/** `subscriptions audit`: whether subscriptions have all that a store holds, and the mending of that. */
import type { AuditFinding, AuditReport } from "protosource-es/subscriptions";
import { type Action, type SegmentsOption, segmentCount } from "../command.js";
import { commandLine } from "../command-line.js";
import { EXIT } from "../exit-codes.js";
import { counted, isoTime } from "../format.js";
import { chooseSubscriptions, type SubscriptionsOption, useSubscriptions } from "../known-subscriptions.js";
import type { Output } from "../output.js";
import { createPace, type PaceOption } from "../pace.js";
import { createProgress } from "../progress.js";

export interface AuditOptions extends SubscriptionsOption, SegmentsOption, PaceOption {
  readonly only?: readonly string[];
  readonly repair?: boolean;
}

const TITLES = ["SUBSCRIPTION", "STREAM", "STANDS"];

type Standing = keyof Pick<AuditReport, "behind" | "ahead" | "parked">;

const STANDINGS: readonly Standing[] = ["behind", "ahead", "parked"];

const STANDS: Readonly<Record<Standing, string>> = {
  behind: "lacks events",
  ahead: "ends before what was handled",
  parked: "parked",
};

export const auditSubscriptions: Action<AuditOptions> = async ({ output, signal, args }, options) => {
  const segments = segmentCount(options);
  const { pace, onRequest, pageSize } = await createPace(options);
  const { repair = false } = options;
  return useSubscriptions(
    options,
    async ({ opened, all, start }) => {
      const subscriptions = start({ all: chooseSubscriptions(all, options.only) });
      const progress = createProgress(output, "records", (await opened.estimate())?.records);
      const report = await subscriptions.audit({
        repair,
        segments,
        pageSize,
        pace,
        signal,
        onProgress: ({ counts }) => progress(counts.records),
      });
      await print(output, report, repair);
      const { behind, ahead, parked, unreadable } = report;
      if (behind.length > 0 && !repair) {
        output.note(`A worker may be about to handle these. To have it done:\n  ${commandLine([...args, "--repair"])}`);
      }
      const left = (repair ? 0 : behind.length) + ahead.length + parked.length + unreadable;
      return left === 0 ? EXIT.ok : EXIT.found;
    },
    { onRequest },
  );
};

async function print(output: Output, report: AuditReport, repair: boolean): Promise<void> {
  const { records, behind, ahead, parked, unreadable } = report;
  const findings = STANDINGS.flatMap((standing) =>
    report[standing].map((finding: AuditFinding) => ({ ...finding, standing })),
  );
  if (output.json) {
    for (const { since, ...finding } of findings) {
      await output.value({ ...finding, ...(since === undefined ? {} : { since: isoTime(since) }) });
    }
    const counts = { records, behind: behind.length, ahead: ahead.length, parked: parked.length, unreadable };
    await output.value({ audited: counts, repaired: repair });
    return;
  }
  if (findings.length > 0) {
    const stands = { ...STANDS, ...(repair ? { behind: "lacked events, which are handled now" } : {}) };
    await output.table(
      TITLES,
      findings.map(({ subscription, streamId, standing }) => [subscription, streamId, stands[standing]]),
    );
  }
  const lacking = `${behind.length} ${repair ? "mended" : "behind"}, ${ahead.length} ahead, ${parked.length} parked`;
  await output.line(`${counted(records, "record")}: ${lacking}`);
  if (unreadable > 0) await output.line(output.style("red", `${counted(unreadable, "item")} couldn't be read`));
}
