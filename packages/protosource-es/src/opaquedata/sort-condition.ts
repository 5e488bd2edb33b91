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
