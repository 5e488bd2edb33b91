/** How a key spells numbers that its order is to be the order of. */
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { integerBounds } from "./integers.js";
import type { KeyText } from "./key-value.js";

/**
 * Gives the function that spells the numbers of a field so that texts sort as they do, all of one length; undefined for
 * a field that holds no number.
 *
 * A whole number is its sign and its digits with zeros before them: `0` and the digits from 0 on, `-` and what is
 * missing to the next power of ten below. An enum is its number. A float is its bits, in hexadecimal: `-0` is 0, and
 * NaN comes behind everything.
 */
export function orderedText(field: DescField): KeyText | undefined {
  if (field.fieldKind !== "scalar" && field.fieldKind !== "enum") return undefined;
  if (field.scalar === ScalarType.DOUBLE) return doubleText;
  if (field.scalar === ScalarType.FLOAT) return floatText;
  const bounds = integerBounds(field);
  return bounds && integerText(bounds);
}

function integerText([low, high]: readonly [low: bigint, high: bigint]): KeyText {
  const width = String(high).length;
  if (low === 0n) return (value) => String(value).padStart(width, "0");
  const above = 10n ** BigInt(width);
  return (value) => {
    const number = BigInt(value as bigint | number | string);
    const digits = String(number < 0n ? above + number : number).padStart(width, "0");
    return `${number < 0n ? "-" : "0"}${digits}`;
  };
}

function doubleText(value: unknown): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, withoutSignedZero(value as number));
  return bitsText(view.getBigUint64(0), 64n);
}

function floatText(value: unknown): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, withoutSignedZero(value as number));
  return bitsText(BigInt(view.getUint32(0)), 32n);
}

/** Bits of positive numbers sort as these do, behind the negative ones once their sign is set; negative ones backwards. */
function bitsText(bits: bigint, length: bigint): string {
  const sign = 1n << (length - 1n);
  const ordered = bits < sign ? bits + sign : 2n * sign - 1n - bits;
  return ordered.toString(16).padStart(Number(length) / 4, "0");
}

function withoutSignedZero(value: number): number {
  return value === 0 ? 0 : value;
}
