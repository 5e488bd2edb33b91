/** Joins names as a sentence does: `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[], word: "and" | "or" | "then"): string {
  return names.join(", ").replace(/, ([^,]*)$/, ` ${word} $1`);
}

/** All of some names that the source holds, in quotation marks. */
export function allOf(names: readonly string[]): string {
  return listed(names.map(quoted), "and");
}

/** A choice of names that the source may hold, in quotation marks. */
export function oneOf(names: readonly string[]): string {
  return listed(names.map(quoted), "or");
}

function quoted(name: string): string {
  return `"${name}"`;
}
