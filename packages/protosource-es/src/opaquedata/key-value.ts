/** How a key spells the value of a field. The rules are Go's `%v`, which the family's Go members use. */
import { type DescEnum, type DescField, ScalarType } from "@bufbuild/protobuf";
import { scalarZeroValue } from "@bufbuild/protobuf/reflect";

/** A message, seen as the values of its fields. */
export type FieldValues = Readonly<Record<string, unknown>>;

/** Spells a value of one field. */
export type KeyText = (value: unknown) => string;

/** Gives the function that spells the values of a field; undefined for maps and messages, which no key can hold. */
export function keyText(field: DescField): KeyText | undefined {
  switch (field.fieldKind) {
    case "scalar":
      return scalarText(field.scalar);
    case "enum":
      return enumText(field.enum);
    case "list": {
      if (field.listKind === "message") return undefined;
      const element = field.listKind === "enum" ? enumText(field.enum) : scalarText(field.scalar);
      return (value) => `[${(value as readonly unknown[]).map(element).join(" ")}]`;
    }
    default:
      return undefined;
  }
}

/** Gives the function that reads a field of a message. An unset field has the zero value, as Go's getters have it. */
export function fieldReader(field: DescField): (message: FieldValues) => unknown {
  const { localName, oneof } = field;
  const zero = zeroValue(field);
  if (oneof) {
    return (message) => {
      const group = message[oneof.localName] as { readonly case?: string; readonly value?: unknown };
      return group.case === localName ? group.value : zero;
    };
  }
  return (message) => message[localName] ?? zero;
}

/** Gives the test whether a value of a field is empty: zero, unspecified, unset, or without anything in it. */
export function emptyTest(field: DescField): (value: unknown) => boolean {
  if (field.fieldKind === "list" || (field.fieldKind === "scalar" && field.scalar === ScalarType.BYTES)) {
    return (value) => (value as ArrayLike<unknown>).length === 0;
  }
  if (field.fieldKind === "map") return (value) => Object.keys(value as object).length === 0;
  const zero = zeroValue(field);
  return (value) => value === zero;
}

function zeroValue(field: DescField): unknown {
  switch (field.fieldKind) {
    case "enum":
      return field.getDefaultValue() ?? field.enum.values[0]?.number;
    case "scalar":
      return field.getDefaultValue() ?? scalarZeroValue(field.scalar, field.longAsString);
    case "list":
      return [];
    default:
      return undefined;
  }
}

function scalarText(type: ScalarType): KeyText {
  switch (type) {
    case ScalarType.DOUBLE:
      return (value) => floatText(value as number);
    case ScalarType.FLOAT:
      return (value) => floatText(shortestFloat32(Math.fround(value as number)));
    case ScalarType.BYTES:
      return (value) => `[${(value as Uint8Array).join(" ")}]`;
    default:
      return String;
  }
}

function enumText(desc: DescEnum): KeyText {
  const names = new Map<unknown, string>();
  for (const { number, name } of desc.values) {
    // Of two names of one number Go takes the first.
    if (!names.has(number)) names.set(number, name);
  }
  return (value) => names.get(value) ?? String(value);
}

/** Spells a number in its shortest digits, with an exponent below -4 and from 6 on. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [digits = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** Gives the double with the fewest digits that a float32 rounds to the given one. */
function shortestFloat32(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  for (let precision = 0; ; precision++) {
    const nearest = value.toExponential(precision);
    if (Math.fround(Number(nearest)) === value) return Number(nearest);
    // Floats above a power of two lie twice as far apart as those below it. So the neighbour away from zero can be
    // close enough when the nearest isn't: 2^90 is 1.2379401e+27, although 1.2379400e+27 is nearer.
    const away = awayFromZero(nearest);
    if (Math.fround(away) === value) return away;
  }
}

/** Adds one to the last digit of a number in exponent form. */
function awayFromZero(text: string): number {
  const [digits = "", exponent = ""] = text.split("e");
  const [whole = "", fraction = ""] = digits.split(".");
  const sign = whole.startsWith("-") ? -1 : 1;
  return Number(`${Number(whole + fraction) + sign}e${Number(exponent) - fraction.length}`);
}
