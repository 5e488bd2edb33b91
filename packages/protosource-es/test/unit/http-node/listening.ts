/** Servers of Node on the loopback. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, onTestFinished } from "vitest";

/** Listens on a free port until the test has ended, and gives the port. */
export async function listening(listener: RequestListener): Promise<number> {
  const server = await listen(listener);
  onTestFinished(() => close(server));
  return portOf(server);
}

/** Listens on a free port for all tests of a file. The origin is known once they run. */
export function listeningForAll(listener: RequestListener): { readonly origin: string } {
  let server: Server | undefined;
  beforeAll(async () => {
    server = await listen(listener);
  });
  afterAll(() => server && close(server));
  return {
    get origin() {
      return `http://127.0.0.1:${portOf(server as Server)}`;
    },
  };
}

async function listen(listener: RequestListener): Promise<Server> {
  // A connection that idles while the machine is busy isn't closed under the client's next request.
  const server = createServer({ keepAliveTimeout: 0 }, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
