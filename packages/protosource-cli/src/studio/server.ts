/** The studio's page and its API, for one browser on this machine. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { nodeListener } from "protosource-es/http/node";
import { usageError } from "../failure.js";
import { guarded, HEADERS, isSecret } from "./guard.js";
import type { PageFiles } from "./page-files.js";

export interface ServeOptions {
  readonly page: PageFiles;
  /** Answers what begins with `/api/`. */
  readonly api: (request: Request) => Promise<Response>;
  /** 0 for a free one. */
  readonly port: number;
}

/** A running server. */
export interface StudioServer {
  /** The address to open, with the token behind its `#`, which no server and no log sees. */
  readonly address: string;
  /** Leads there one time: for where others of the machine may look, as at the command line of a browser. */
  readonly opening: string;
  readonly token: string;
  readonly port: number;
  /** Ends it at once, with what is under way. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

/** What a request may have of headers, in bytes: the fields of a command to be decided stand in its first line. */
const MAX_HEADER = 1024 * 1024;

/** Starts the server, which listens on the loopback interface only. Throws `invalid_argument` for a port in use. */
export async function serveStudio({ page, api, port }: ServeOptions): Promise<StudioServer> {
  const [token, key] = [secret(), secret()];
  let isOpened = false;
  const hosts: string[] = [];
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/api/")) return api(request);
    if (!isOpened && isSecret(pathname, `/open/${key}`)) {
      isOpened = true;
      return new Response(null, { status: 303, headers: { location: `/#token=${token}` } });
    }
    const file = page.get(pathname);
    if (file === undefined)
      return new Response("nothing is here: open the address that the server printed", { status: 404 });
    return new Response(file.body, { headers: { "content-type": file.type } });
  };
  const listener = nodeListener(guarded(answer, { hosts, token }));
  const server = createServer({ maxHeaderSize: MAX_HEADER }, (incoming, outgoing) => {
    for (const [name, value] of Object.entries(HEADERS)) outgoing.setHeader(name, value);
    listener(incoming, outgoing);
  });
  server.listen(port, HOST);
  try {
    await once(server, "listening");
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    throw usageError("--port", `nothing can listen on port ${port} (${code}): give another by --port`, cause);
  }
  const address = server.address();
  const listening = typeof address === "object" && address !== null ? address.port : port;
  hosts.push(...[HOST, "localhost", "[::1]"].map((name) => hostOf(name, listening)));
  const origin = `http://${HOST}:${listening}`;
  return {
    address: `${origin}/#token=${token}`,
    opening: `${origin}/open/${key}`,
    token,
    port: listening,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function secret(): string {
  return randomBytes(16).toString("base64url");
}

/** Gives what a browser calls a server: without its port where that is the one of HTTP. */
export function hostOf(name: string, port: number): string {
  return port === 80 ? name : `${name}:${port}`;
}
