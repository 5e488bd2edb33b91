/** The page of sessions, in front of what it calls. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Makes the function that answers with the page and its script, and has all other requests answered by another one. */
export async function sessionSite(
  api: (request: Request) => Promise<Response>,
): Promise<(request: Request) => Promise<Response>> {
  const page = readFileSync(new URL("./page.html", import.meta.url), "utf8");
  const script = await bundleClient();
  return async (request) => {
    switch (new URL(request.url).pathname) {
      case "/":
        return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
      case "/client.js":
        return new Response(script, { headers: { "content-type": "text/javascript" } });
      default:
        return api(request);
    }
  };
}

async function bundleClient(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("./client.ts", import.meta.url))],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    conditions: ["@protosource-es/source"],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}
