/** The page of sessions, in front of what it calls. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** What the page may do: run its own scripts, and call where it comes from. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Makes the function that answers with the page and its scripts, and has all other requests answered by another one. */
export async function sessionSite(
  api: (request: Request) => Promise<Response>,
): Promise<(request: Request) => Promise<Response>> {
  const page = readSource("page.html");
  const pageScript = readSource("page.js");
  const client = await bundleClient();
  return async (request) => {
    switch (new URL(request.url).pathname) {
      case "/":
        return answer(page, "text/html; charset=utf-8");
      case "/page.js":
        return answer(pageScript, "text/javascript; charset=utf-8");
      case "/client.js":
        return answer(client, "text/javascript; charset=utf-8");
      default:
        return api(request);
    }
  };
}

function readSource(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

function answer(body: string, type: string): Response {
  const headers = {
    "content-type": type,
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
  };
  return new Response(body, { headers });
}

async function bundleClient(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("client.ts", import.meta.url))],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    conditions: ["@protosource-es/source"],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}
