/** The names of an enum's values for people. */
import type { DescEnum } from "@bufbuild/protobuf";
import { docComment } from "./comment.js";
import { displayNamesName } from "./names.js";
import { exported, type Output } from "./output.js";

export function emitDisplayNames(schema: DescEnum, output: Output): void {
  const { print, target } = output;
  const type = target === "js" ? "" : ": rt.DisplayNames";
  const value = target === "dts" ? "" : ` = /*@__PURE__*/ rt.displayNames(${output.schema(schema)})`;
  print();
  print(docComment([`The values of ${schema.name} for people to read, by number.`]));
  print(`${exported(output)} const ${displayNamesName(schema)}${type}${value};`);
}
