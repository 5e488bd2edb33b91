import type { DescEnum } from "@bufbuild/protobuf";

/** The names of an enum's values for people, by number. */
export interface DisplayNames {
  readonly [value: number]: string | undefined;
}

/**
 * Makes names for people of an enum's values: `STATE_IN_REVIEW` becomes `In Review`. The prefix goes when every value
 * has it. Of two names of one number, the first counts.
 */
export function displayNames(schema: DescEnum): DisplayNames {
  const prefix = `${snakeCase(schema.name)}_`;
  const shared = schema.values.every(({ name }) => name.startsWith(prefix) && name.length > prefix.length);
  const names: { [value: number]: string } = {};
  for (const { name, number } of schema.values) names[number] ??= titleCase(shared ? name.slice(prefix.length) : name);
  return names;
}

function snakeCase(name: string): string {
  return name.replaceAll(/([a-z0-9])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, "$1$2_").toUpperCase();
}

function titleCase(name: string): string {
  const words = name.split("_").filter((word) => word !== "");
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()).join(" ");
}
