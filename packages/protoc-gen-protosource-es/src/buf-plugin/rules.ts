/** The rules that the plugin has for buf: those of the code generator, and of what becomes of stored events. */
import { create } from "@bufbuild/protobuf";
import { type ChangeSeverity, SCHEMA_CHANGES } from "protosource-es/model";
import { type Category, CategorySchema, type Rule, RuleSchema, RuleType } from "../gen/buf_plugin_pb.js";
import { RULES as ERRORS, WARNINGS } from "../rules/rule-ids.js";

const ALL = "PROTOSOURCE";
const GO = "PROTOSOURCE_GO";

/** The category of what a change comes to; what is safe breaks no rule. */
const CATEGORY_OF: Readonly<Record<Exclude<ChangeSeverity, "safe">, string>> = {
  breaks: ALL,
  meaning: ALL,
  rows: "PROTOSOURCE_ROWS",
  json: "PROTOSOURCE_JSON",
  go: GO,
};

/** The categories, by which a configuration asks for rules. */
export const CATEGORIES: readonly Category[] = Object.entries({
  [ALL]: "The rules of protosource-es, and changes that make stored events unreadable or mean something else.",
  PROTOSOURCE_ROWS: "Changes after which rows have to be made anew.",
  PROTOSOURCE_JSON: "Changes of names, by which the JSON serializer writes events.",
  [GO]: "What a schema that Go services share has to look out for.",
}).map(([id, purpose]) => create(CategorySchema, { id, purpose }));

/** Gives the id that buf knows a rule by. */
export function bufRuleId(id: string): string {
  return `PROTOSOURCE_${id}`;
}

/** All rules. */
export const BUF_RULES: readonly Rule[] = [
  ...Object.entries({ ...ERRORS, ...WARNINGS }).map(([id, text]) =>
    rule(id, text, id.startsWith("G") ? GO : ALL, RuleType.LINT),
  ),
  ...Object.entries(CATEGORY_OF).flatMap(([severity, category]) =>
    Object.entries(SCHEMA_CHANGES[severity as ChangeSeverity]).map(([id, text]) =>
      rule(id, text, category, RuleType.BREAKING),
    ),
  ),
];

function rule(id: string, text: string, category: string, type: RuleType): Rule {
  return create(RuleSchema, {
    id: bufRuleId(id),
    categoryIds: [category],
    default: category === ALL,
    // buf wants a sentence that begins with a capital letter.
    purpose: text.startsWith("`") ? `The option ${text}` : text,
    type,
  });
}
