/** Which fields of a message are personal, and whose: read from its annotations once. */
import { type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import { invalid } from "../errors.js";
import { protosource_es_field } from "../gen/protosource_es/options/v1/options_v1_pb.js";

/** The personal fields of a message, by the field that names the person. */
export interface PersonalGroup {
  /** The field that names the person. */
  readonly subject: DescField;
  readonly fields: readonly DescField[];
}

/** Where a message holds what is personal: in fields of its own, and in messages within. */
export interface PersonalPlan {
  readonly schema: DescMessage;
  readonly groups: readonly PersonalGroup[];
  /** The fields that aren't personal themselves and hold messages with personal fields. */
  readonly within: readonly { readonly field: DescField; readonly plan: PersonalPlan }[];
}

/** The field that names the person where the annotation names none. */
const DEFAULT_SUBJECT = "id";

const plans = new WeakMap<DescMessage, { readonly plan: PersonalPlan | undefined }>();

/**
 * Gives what is personal in a message; undefined where nothing is, however deep. Throws `invalid_argument` for a personal
 * field that doesn't say whose it is.
 */
export function personalPlan(schema: DescMessage): PersonalPlan | undefined {
  let cached = plans.get(schema);
  if (cached === undefined) {
    cached = { plan: hasPersonal(schema) ? compile(schema, new Map()) : undefined };
    plans.set(schema, cached);
  }
  return cached.plan;
}

/** Tells whether messages of a schema may have personal fields, however deep: what others hold needs no look. */
export function mayBePersonal(schema: DescMessage): boolean {
  return personalPlan(schema) !== undefined;
}

/** Gives the name of the field that names the person of a field; undefined for a field that isn't personal. */
export function subjectName(field: DescField): string | undefined {
  const { personal } = getOption(field, protosource_es_field);
  return personal && (personal.subject || DEFAULT_SUBJECT);
}

/** Gives the field that names the person of a personal field; undefined when the message has no such string. */
export function subjectField(field: DescField): DescField | undefined {
  const found = field.parent.fields.find(({ name }) => name === subjectName(field));
  return found?.fieldKind === "scalar" && found.scalar === ScalarType.STRING ? found : undefined;
}

/** Tells whether anything in a message is personal, however deep. */
export function hasPersonal(schema: DescMessage, seen: Set<DescMessage> = new Set()): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  return schema.fields.some(
    (field) => subjectName(field) !== undefined || (field.message !== undefined && hasPersonal(field.message, seen)),
  );
}

/** A message may hold its own kind, so that its plan is known before it is complete. */
function compile(schema: DescMessage, known: Map<DescMessage, PersonalPlan>): PersonalPlan {
  const found = known.get(schema);
  if (found !== undefined) return found;
  const groups = new Map<DescField, DescField[]>();
  const within: { field: DescField; plan: PersonalPlan }[] = [];
  const plan = { schema, groups: [] as PersonalGroup[], within };
  known.set(schema, plan);
  for (const field of schema.fields) {
    const subject = subjectField(field);
    if (subject === undefined && subjectName(field) !== undefined) {
      throw invalid(
        schema.typeName,
        `${schema.typeName} has no string ${subjectName(field)} that says whose ${field.name} is`,
      );
    }
    if (subject !== undefined) groups.set(subject, [...(groups.get(subject) ?? []), field]);
    else if (field.message !== undefined && hasPersonal(field.message)) {
      within.push({ field, plan: compile(field.message, known) });
    }
  }
  plan.groups.push(...[...groups].map(([subject, fields]) => ({ subject, fields })));
  return plan;
}
