/** The rules of copying fields by name: from a command to its events, to the aggregate, to its projections. */
import type { DescMessage } from "@bufbuild/protobuf";
import { fieldNamed } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import { allOf } from "../words.js";
import type { RuleId } from "./rule-ids.js";

/**
 * Reports oneofs of which a copy sets more than one field, so that the last would always win. `at` is the message that
 * the author should change.
 */
export function checkOneofs(
  source: DescMessage,
  target: DescMessage,
  at: DescMessage,
  rule: RuleId,
  report: Report,
): void {
  for (const oneof of target.oneofs) {
    const sources = oneof.fields.flatMap((field) => fieldNamed(source, field.name) ?? []);
    const [first, ...others] = sources;
    if (first === undefined || others.length === 0) continue;
    if (first.oneof !== undefined && others.every((field) => field.oneof === first.oneof)) continue;
    const names = allOf(sources.map((field) => field.name));
    report(
      rule,
      at,
      `${names} of ${source.name} go into the oneof "${oneof.name}" of ${target.name}, where the last would always win`,
      `put them into a oneof of ${source.name}, or keep one`,
    );
  }
}
