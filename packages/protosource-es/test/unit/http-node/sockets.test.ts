/** What is left of many requests, of which some are given up: nothing. */
import { getEventListeners, once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { promisify } from "node:util";
import { nodeListener } from "protosource-es/http/node";
import { expect, it } from "vitest";
import { orderApi } from "../http/api.js";

const REQUESTS = 10_000;
const CLIENTS = 32;

/** How one in twenty is given up: before it is read, in the midst of its body, or while its command is decided. */
const WAYS = ["at once", "in its body", "while it is decided"] as const;

function requestText(rpc: string, body: string): string {
  const path = `/example.app.order.v1.OrderService/${rpc}`;
  const headers = `host: shop\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  return `POST ${path} HTTP/1.1\r\n${headers}\r\n\r\n${body}`;
}

async function open(listener: ReturnType<typeof nodeListener>): Promise<readonly [Server, port: number]> {
  const server = createServer({ keepAliveTimeout: 0 }, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return [server, (server.address() as AddressInfo).port];
}

/** Waits until all clients are gone, and ends. */
async function end(server: Server): Promise<void> {
  await expect.poll(promisify(server.getConnections.bind(server))).toBe(0);
  server.close();
  await once(server, "close");
}

/** The sockets, servers and timers of the process. */
function resources(): readonly string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name.startsWith("TCP") || name === "Timeout")
    .sort();
}

/** Reads one answer, which is told whole: its status. */
async function statusOn(socket: Socket): Promise<number> {
  let text = "";
  for (;;) {
    const [piece] = (await once(socket, "data")) as [Buffer];
    text += piece.toString();
    const [head, body] = text.split("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(head ?? "")?.[1]);
    if (body !== undefined && body.length >= length) return Number(text.slice(9, 12));
  }
}

it("10,000 requests by sockets, of which 500 are given up, leave no socket, no listener and no timer", async () => {
  const before = resources();
  const deciding = new Map<string, () => void>();
  const { handle, logged, post } = orderApi({
    rules: {
      guard(_order, { id }, { signal }) {
        const tell = deciding.get(id);
        if (tell === undefined) return undefined;
        tell();
        return new Promise((_, reject) => signal?.addEventListener("abort", reject, { once: true }));
      },
    },
  });
  await post("Create", { id: "o-0" });
  const left: number[] = [];
  const listener = nodeListener(
    async (request) => {
      const count = (): number => getEventListeners(request.signal, "abort").length;
      const own = count();
      try {
        return await handle(request);
      } finally {
        left.push(count() - own);
      }
    },
    { logger: { warn: (message) => logged.push({ message }) } },
  );
  const [server, port] = await open(listener);

  let next = 0;
  const statuses = new Map<number, number>();
  const client = async (): Promise<void> => {
    let socket = connect(port, "127.0.0.1");
    while (next < REQUESTS) {
      const i = next++;
      const id = `o-${i}`;
      if (i % 20 !== 0) {
        socket.write(i % 4 === 0 ? requestText("Create", `{"id":"${id}"}`) : requestText("GetOrder", '{"id":"o-0"}'));
        const status = await statusOn(socket);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        continue;
      }
      const text = requestText("Create", `{"id":"${id}"}`);
      const way = WAYS[(i / 20) % WAYS.length];
      if (way === "while it is decided") {
        const reached = new Promise<void>((resolve) => deciding.set(id, resolve));
        socket.write(text);
        await reached;
      } else {
        await new Promise((resolve) => socket.write(way === "in its body" ? text.slice(0, -4) : text, resolve));
      }
      socket.destroy();
      await once(socket, "close");
      socket = connect(port, "127.0.0.1");
    }
    socket.end();
    await once(socket.resume(), "close");
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));

  expect(Object.fromEntries(statuses)).toEqual({ 200: REQUESTS * 0.95 });
  await end(server);
  expect(left.filter((count) => count !== 0)).toEqual([]);
  expect(left.length).toBeGreaterThan(REQUESTS * 0.95);
  await expect.poll(resources).toEqual(before);
  expect(logged).toEqual([]);
}, 120_000);

it("a client who sends too slowly is told so, and a body that is cut leaves nothing", async () => {
  const { handle, repository } = orderApi({ timeoutMs: 100 });
  const [server, port] = await open(nodeListener(handle));
  const text = requestText("Create", '{"id":"o1"}');
  const slow = connect(port, "127.0.0.1");
  slow.write(text.slice(0, -6));
  expect(await statusOn(slow)).toBe(504);
  slow.destroy();
  const cut = connect(port, "127.0.0.1");
  cut.end(text.slice(0, -1));
  await once(cut.resume(), "close");
  await end(server);
  await expect(repository.load("o1")).rejects.toMatchObject({ code: "not_found" });
});
