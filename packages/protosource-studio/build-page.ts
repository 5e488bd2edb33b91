/** Builds the page of the studio and its demo into a folder: that of the command line's package by default. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = new URL("./", import.meta.url);

/** Where the command line looks for them. */
const FOLDER = fileURLToPath(new URL("../protosource-cli/dist/studio/", here));

/** Builds `page/` with the page, and `demo.js`, the domain that `--demo` shows. */
export async function buildPage(folder: string = FOLDER): Promise<void> {
  const absWorkingDir = fileURLToPath(here);
  const common = { absWorkingDir, bundle: true, format: "esm", target: "es2023", logLevel: "warning" } as const;
  await build({
    ...common,
    entryPoints: [
      { in: "src/main.tsx", out: "app" },
      { in: "src/engine/engine.ts", out: "engine" },
      { in: "src/app.css", out: "app" },
      { in: "src/index.html", out: "index" },
    ],
    outdir: `${folder}/page`,
    minify: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".html": "copy" },
    conditions: ["@protosource-es/source"],
    // What the page shares with what it loads later would be a file of its own.
    splitting: true,
    alias: { "node:zlib": "./src/engine/zlib.ts", "node:crypto": "./src/engine/crypto.ts" },
    external: ["@bufbuild/protovalidate"],
  });
  await build({
    ...common,
    entryPoints: ["demo/demo.ts"],
    outdir: folder,
    platform: "node",
    conditions: ["@protosource-es/source"],
    external: ["@bufbuild/*", "protosource-es", "protosource-es/*"],
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildPage();
