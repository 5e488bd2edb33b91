/** The plugin: checks all files, and generates code if nothing is wrong with any of them. */
import { create } from "@bufbuild/protobuf";
import { CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";
import { createEcmaScriptPlugin, type Plugin, type Schema, type Target } from "@bufbuild/protoplugin";
import { formatDiagnostic } from "./diagnostic.js";
import { emitFile } from "./emit/file.js";
import { type Domain, readDomain } from "./model.js";
import { packageVersion } from "./package-version.js";
import { WARNINGS } from "./rules/rule-ids.js";
import { validate } from "./validate.js";
import { oneOf } from "./words.js";

export { RULES, WARNINGS } from "./rules/rule-ids.js";
export { servicePlugin } from "./service/plugin.js";

/** The order in which protoplugin asks for targets. */
const TARGETS: readonly Target[] = ["ts", "js", "dts"];

/** Ends a run because of what the user wrote. */
class InvalidInput extends Error {}

/** What the plugin takes beside the options of every plugin of its kind. */
interface Options {
  /** The warnings that aren't printed. */
  readonly ignored: ReadonlySet<string>;
  /** Whether the family's Go members use the schemas too. */
  readonly sharedWithGo: boolean;
}

const generator: Plugin = createEcmaScriptPlugin<Options>({
  name: "protoc-gen-protosource-es",
  version: packageVersion,
  parseOptions,
  generateTs: generate,
  generateJs: generate,
  generateDts: generate,
});

function parseOptions(given: readonly { readonly key: string; readonly value: string }[]): Options {
  const ignored = new Set<string>();
  let sharedWithGo = false;
  for (const { key, value } of given) {
    if (key === "ignore_warnings") for (const id of value.split("+")) ignored.add(warningOf(id));
    else if (key === "shared_with_go") sharedWithGo = flagOf(value);
    else throw new Error(`there is no option "${key}"`);
  }
  return { ignored, sharedWithGo };
}

function warningOf(id: string): string {
  if (Object.hasOwn(WARNINGS, id)) return id;
  throw new Error(`"${id}" is no warning; write ${oneOf(Object.keys(WARNINGS))}`);
}

function flagOf(value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw new Error(`shared_with_go can't be "${value}"; write "true" or "false"`);
}

/** Generates all files of a target. The first call of a run checks the schemas. */
function generate(schema: Schema<Options>, target: Target): void {
  const known = schema.allFiles.map(readDomain);
  const asked = known.filter(({ file }) => schema.files.includes(file));
  if (target === TARGETS.find((each) => schema.targets.includes(each))) check(schema, asked, known);
  for (const domain of asked) {
    if (domain.enabled) emitFile(schema, domain, target);
  }
}

function check({ options }: Schema<Options>, asked: readonly Domain[], known: readonly Domain[]): void {
  if (options.jsImportStyle !== "module") {
    throw new InvalidInput(
      "js_import_style=legacy_commonjs isn't supported: remove it, Node loads modules by require too",
    );
  }
  const { errors, warnings } = validate(asked, known, options);
  for (const warning of warnings) if (!options.ignored.has(warning.rule)) console.warn(formatDiagnostic(warning));
  if (errors.length === 0) return;
  const what = errors.length === 1 ? "of an error" : `of ${errors.length} errors`;
  throw new InvalidInput([`nothing is generated, because ${what}:`, ...errors.map(formatDiagnostic)].join("\n"));
}

/**
 * Generates a `_protosource` file beside the `_pb` file of each enabled schema. When a schema is wrong, the response
 * has no files, and its error lists all that is wrong in all files. Warnings go to standard error.
 */
export const plugin: Plugin = {
  ...generator,
  run(request) {
    try {
      return generator.run(request);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      return create(CodeGeneratorResponseSchema, { error: error.message });
    }
  },
};
