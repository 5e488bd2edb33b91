/** One generated file: its imports, then its parts. */
import type { Schema, Target } from "@bufbuild/protoplugin";
import { type Domain, hasDisplayNames } from "../model.js";
import { emitAggregate } from "./aggregate.js";
import { emitDisplayNames } from "./display-names.js";
import { outputOf } from "./output.js";
import { emitQueries } from "./queries.js";

/** Generates the file of a domain. Only the namespaces `rt` and `pb` are imported, so that no name can clash. */
export function emitFile(schema: Schema, domain: Domain, target: Target): void {
  const { file, keys, enums } = domain;
  const generated = schema.generateFile(`${file.name}_protosource.${target === "dts" ? "d.ts" : target}`);
  generated.preamble(file);
  const output = outputOf(generated, target);
  output.print('import * as rt from "protosource-es/codegenv1";');
  output.print(`import * as pb from "${messagesPath(schema, file.name)}";`);
  emitAggregate(domain, output);
  for (const model of keys) emitQueries(model, output);
  for (const desc of enums.filter(hasDisplayNames)) emitDisplayNames(desc, output);
}

/** The file of protoc-gen-es, which is in the same folder. */
function messagesPath({ options }: Schema, name: string): string {
  const path = `./${name.slice(name.lastIndexOf("/") + 1)}_pb`;
  return options.importExtension === "none" ? path : `${path}.${options.importExtension}`;
}
