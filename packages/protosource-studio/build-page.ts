/** Builds the page of the studio and its demo into a folder: that of the command line's package by default. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BuildOptions, build } from "esbuild";

const here = new URL("./", import.meta.url);

/** Where the command line looks for them. */
const FOLDER = fileURLToPath(new URL("../protosource-cli/dist/studio/", here));

const COMMON: BuildOptions = {
  absWorkingDir: fileURLToPath(here),
  bundle: true,
  format: "esm",
  target: "es2023",
  conditions: ["@protosource-es/source"],
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
};

/** How code of Node's is built for a page. Field rules aren't checked in it: what checks them is larger than all else. */
export const IN_PAGE: BuildOptions = {
  ...COMMON,
  minify: true,
  inject: ["src/engine/buffer.ts"],
  alias: {
    "node:zlib": "./src/engine/zlib.ts",
    "node:crypto": "./src/engine/crypto.ts",
    "@bufbuild/protovalidate": "./src/engine/protovalidate.ts",
  },
};

/** Builds `page/` with the page, and `demo.js`, the domain that `--demo` shows. */
export async function buildPage(folder: string = FOLDER): Promise<void> {
  const outdir = `${folder}/page`;
  await build({
    ...COMMON,
    entryPoints: [
      { in: "src/main.tsx", out: "app" },
      { in: "src/app.css", out: "app" },
      { in: "src/index.html", out: "index" },
    ],
    outdir,
    minify: true,
    loader: { ".html": "copy" },
  });
  await build({ ...IN_PAGE, entryPoints: ["src/engine/engine.ts"], outdir });
  await build({
    ...COMMON,
    entryPoints: ["demo/demo.ts"],
    outdir: folder,
    platform: "node",
    external: ["@bufbuild/*", "protosource-es", "protosource-es/*"],
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildPage();
