/** Builds the playground of the documentation: a folder of files for any web server, under any path. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { HEADERS } from "../protosource-cli/src/studio/guard.js";
import { IN_PAGE } from "./build-page.js";

const FOLDER = fileURLToPath(new URL("dist/playground/", import.meta.url));

/** What a page can't say of itself, and what it doesn't need: there is no server to connect to. */
const NOT_IN_PAGE = /^(frame-ancestors|connect-src) /;

/** Builds the page of the studio with a shop in it, where commands are applied for real. What was in the folder goes. */
export async function buildPlayground(folder: string = FOLDER): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await build({
    ...IN_PAGE,
    entryPoints: [
      { in: "playground/playground.tsx", out: "app" },
      { in: "playground/playground.css", out: "app" },
      { in: "src/engine/engine.ts", out: "engine" },
    ],
    outdir: folder,
    splitting: true,
  });
  const page = readFileSync(new URL("src/index.html", import.meta.url), "utf8");
  writeFileSync(`${folder}/index.html`, page.replace(/<meta charset="utf-8" \/>/, `$&\n    ${policy()}`));
}

/** The policy of the studio's server, as a page says it of itself. */
function policy(): string {
  const directives = HEADERS["content-security-policy"]?.split("; ").filter((one) => !NOT_IN_PAGE.test(one)) ?? [];
  return `<meta http-equiv="content-security-policy" content="${directives.join("; ")}" />`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildPlayground();
