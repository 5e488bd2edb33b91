/** The conditions of a query: fields of a form, and where they are in the address. */
import type { IndexInfo, KeyField } from "protosource-cli/studio";
import type { Place } from "./address.js";

/** The operator of a range, for which there are two values. */
export const BETWEEN = "between";

/** Takes of a place, or of what was typed, what may be in the address, or with `personal` the rest: values of personal fields. */
export function partOf(place: Place, { partition, sort }: IndexInfo, personal = false): Place {
  const names = [...partition, ...sort]
    .filter((field) => field.personal)
    .flatMap((field) => Object.values(named(field)));
  return Object.fromEntries(Object.entries(place).filter(([name]) => names.includes(name) === personal));
}

/** The names of what a field has in the address and in the form. */
export const named = (
  field: KeyField,
): { readonly value: string; readonly operator: string; readonly high: string } => ({
  value: `is.${field.name}`,
  operator: `op.${field.name}`,
  high: `to.${field.name}`,
});

/** Reads the conditions of a place, as the API takes them; undefined where the partition isn't given. */
export function conditionsIn(place: Place, { partition, sort }: IndexInfo): readonly string[] | undefined {
  if (partition.some((field) => place[named(field).value] === undefined)) return undefined;
  return [
    ...partition.map((field) => `${field.name}=${place[named(field).value]}`),
    ...sort.flatMap((field) => {
      const { value, operator, high } = named(field);
      const given = place[value];
      if (given === undefined) return [];
      const by = place[operator] ?? "=";
      return by === BETWEEN
        ? [`${field.name}>=${given}`, `${field.name}<=${place[high] ?? ""}`]
        : [`${field.name}${by}${given}`];
    }),
  ];
}

/** What was typed: parameters for the address, or what is wrong, by the names of inputs. */
export type Typed =
  | { readonly parameters: Place; readonly errors?: undefined }
  | { readonly errors: ReadonlyMap<string, string> };

/** Reads a form. */
export function readForm(data: FormData, { partition, sort }: IndexInfo): Typed {
  const errors = new Map<string, string>();
  const parameters: { [name: string]: string } = {};
  const textOf = (name: string): string => (data.get(name) as string | null) ?? "";
  const take = (field: KeyField, name: string): void => {
    const text = field.kind === "bool" && textOf(name) === "" ? "false" : textOf(name);
    const problem = problemOf(field, text);
    if (problem === undefined) parameters[name] = text;
    else errors.set(name, problem);
  };
  for (const field of partition) take(field, named(field).value);
  const lastGiven = sort.findLastIndex((field) => textOf(named(field).value) !== "");
  for (const field of sort.slice(0, lastGiven + 1)) {
    const { value, operator, high } = named(field);
    if (textOf(value) === "") errors.set(value, "Give this too, or leave out what stands behind it.");
    else take(field, value);
    const by = textOf(operator);
    if (by !== "" && by !== "=") parameters[operator] = by;
    if (by === BETWEEN) take(field, high);
  }
  return errors.size > 0 ? { errors } : { parameters };
}

function problemOf({ kind, bounds }: KeyField, text: string): string | undefined {
  switch (kind) {
    case "integer": {
      if (!/^-?\d+$/.test(text)) return "Give a whole number, such as 42.";
      const [low, high] = bounds ?? [text, text];
      const isWithin = BigInt(low) <= BigInt(text) && BigInt(text) <= BigInt(high);
      return isWithin ? undefined : `Give a number from ${low} to ${high}.`;
    }
    case "number":
      return text.trim() !== "" && (text === "NaN" || !Number.isNaN(Number(text))) ? undefined : "Give a number.";
    case "bytes":
      return isBase64(text) ? undefined : "Give bytes in base64, such as AQID.";
    case "text":
      return text === "" ? "Give a value: the key is made of it." : undefined;
    default:
      return undefined;
  }
}

function isBase64(text: string): boolean {
  try {
    return text !== "" && atob(text) !== "";
  } catch {
    return false;
  }
}
