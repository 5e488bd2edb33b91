/** Bundles a program of the tests into one file, which starts at once where its sources would be compiled first. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Bundles a program, with the package's sources and all that it needs, for Node. */
export async function bundleProgram(source: URL, outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@protosource-es/source"],
    // What the SDK calls `require` for is a part of Node.
    banner: {
      js: 'import { createRequire as requireFor } from "node:module"; const require = requireFor(import.meta.url);',
    },
    external: ["libsql"],
    logLevel: "error",
  });
}
