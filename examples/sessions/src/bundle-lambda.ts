import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";

/** Sizes in bytes. */
export interface BundleSize {
  readonly bytes: number;
  readonly gzipped: number;
}

/** Bundles the function and all that it needs into a module of one file, the SDK included. */
export async function bundleLambda(file: string): Promise<BundleSize> {
  await build({
    entryPoints: [fileURLToPath(new URL("lambda.ts", import.meta.url))],
    outfile: file,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20",
    format: "esm",
    conditions: ["@protosource-es/source"],
    external: ["libsql"],
    // What the SDK calls `require` for is a part of Node.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
  const gzipped = (await promisify(gzip)(await readFile(file), { level: 9 })).length;
  return { bytes: statSync(file).size, gzipped };
}
