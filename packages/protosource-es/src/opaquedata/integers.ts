/** Whole numbers as fields hold them. */
import { type DescField, ScalarType } from "@bufbuild/protobuf";

/** The least and the greatest whole number of a field, and of an enum's values; undefined for a field of another type. */
export function integerBounds(field: DescField): readonly [low: bigint, high: bigint] | undefined {
  if (field.fieldKind === "enum") return scalarBounds(ScalarType.INT32);
  return field.fieldKind === "scalar" ? scalarBounds(field.scalar) : undefined;
}

/** The least and the greatest number of an integer type; undefined for another type. */
export function scalarBounds(type: ScalarType): readonly [low: bigint, high: bigint] | undefined {
  switch (type) {
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return [-(2n ** 31n), 2n ** 31n - 1n];
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return [0n, 2n ** 32n - 1n];
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return [-(2n ** 63n), 2n ** 63n - 1n];
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return [0n, 2n ** 64n - 1n];
    default:
      return undefined;
  }
}

/** Gives a whole number as bigint: from a bigint, from a number that holds it exactly, or from its decimal digits. */
export function toInteger(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "string") return /^(0|-?[1-9]\d*)$/.test(value) ? BigInt(value) : undefined;
  return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
}
