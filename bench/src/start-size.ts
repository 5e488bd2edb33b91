/** What the command line loads before it knows what it is asked for, as for `protosource --help`. */
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import type { Budget } from "./budget.js";

/** 5 % more than before the studio was in it, minified. */
const CEILING = 346_000;

/** The only file of the studio's that a start needs: it tells the options of the command. */
const ITS_COMMAND = "packages/protosource-cli/src/commands/studio.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** Bundles a command line into a folder, from its sources and the library's, with what loads later in files of its own. */
export async function bundleCommandLine(main: string, outdir: string, write = true): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: { main },
    absWorkingDir: REPOSITORY,
    outdir,
    write,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@protosource-es/source"],
    external: ["@aws-sdk/*", "@bufbuild/*", "commander", "libsql"],
    metafile: true,
  });
  return metafile;
}

/** Compares what a start of the command line loads with what it may. */
export async function startBudgets(): Promise<readonly Budget[]> {
  const { bytes, files } = startOf(await bundleCommandLine("packages/protosource-cli/src/main.ts", "dist", false));
  const ofStudio = files.filter((file) => file.includes("studio") && file !== ITS_COMMAND);
  return [
    {
      workload: "protosource --help",
      promise: `loads ≤ ${CEILING / 1000} KB`,
      measured: `${(bytes / 1000).toFixed(0)} KB`,
      kept: bytes <= CEILING,
    },
    {
      workload: "protosource --help",
      promise: "loads nothing of the studio's",
      measured: ofStudio.length === 0 ? "nothing" : ofStudio.join(", "),
      kept: ofStudio.length === 0,
    },
  ];
}

/** Gives the files that are loaded with the entry, and the bytes that they have in the bundle. */
function startOf({ outputs }: Metafile): { readonly bytes: number; readonly files: readonly string[] } {
  const loaded = new Set<string>();
  const load = (path: string): void => {
    const output = outputs[path];
    if (output === undefined || loaded.has(path)) return;
    loaded.add(path);
    for (const { kind, path: needed } of output.imports) if (kind === "import-statement") load(needed);
  };
  load("dist/main.js");
  const all = [...loaded].flatMap((path) => outputs[path] ?? []);
  return {
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    files: all.flatMap(({ inputs }) => Object.keys(inputs)),
  };
}
