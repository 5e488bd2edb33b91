import { compareUtf8 } from "./utf8.js";

/** A condition on a sort key: one comparison with whole strings, compared by their UTF-8 bytes. */
export type SortCondition =
  | { readonly op: "eq" | "lt" | "le" | "gt" | "ge" | "begins_with"; readonly value: string }
  | { readonly op: "between"; readonly low: string; readonly high: string };

export const eq = (value: string): SortCondition => ({ op: "eq", value });
export const lt = (value: string): SortCondition => ({ op: "lt", value });
export const le = (value: string): SortCondition => ({ op: "le", value });
export const gt = (value: string): SortCondition => ({ op: "gt", value });
export const ge = (value: string): SortCondition => ({ op: "ge", value });
/** Both bounds included. */
export const between = (low: string, high: string): SortCondition => ({ op: "between", low, high });
export const beginsWith = (value: string): SortCondition => ({ op: "begins_with", value });

/** Tells whether a sort key meets a condition. Without a condition every one does. */
export function matches(condition: SortCondition | undefined, sortKey: string): boolean {
  switch (condition?.op) {
    case undefined:
      return true;
    case "eq":
      return sortKey === condition.value;
    case "lt":
      return compareUtf8(sortKey, condition.value) < 0;
    case "le":
      return compareUtf8(sortKey, condition.value) <= 0;
    case "gt":
      return compareUtf8(sortKey, condition.value) > 0;
    case "ge":
      return compareUtf8(sortKey, condition.value) >= 0;
    case "begins_with":
      return sortKey.startsWith(condition.value);
    case "between":
      return compareUtf8(sortKey, condition.low) >= 0 && compareUtf8(sortKey, condition.high) <= 0;
  }
}
