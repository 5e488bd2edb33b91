/** Clients whose requests, bytes and capacity units are counted from outside of what uses them. */
import { subscribe } from "node:diagnostics_channel";
import { Agent } from "node:http";
import type { Socket } from "node:net";
import type { ConsumedCapacity, DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/** What went over the wire so far, and what it cost. */
export interface Traffic {
  readonly requests: number;
  /** Bytes of the sockets, with headers. */
  readonly sent: number;
  readonly received: number;
  readonly writeUnits: number;
  readonly readUnits: number;
}

/** Counts the traffic of a store. */
export interface Meter {
  traffic(): Traffic;
}

/** The meter of a store that sends nothing. */
export const NO_TRAFFIC: Meter = {
  traffic: () => ({ requests: 0, sent: 0, received: 0, writeUnits: 0, readUnits: 0 }),
};

let requests = 0;
subscribe("http.client.request.start", () => {
  requests++;
});

export interface MeteredOptions {
  /** Asks for the units of each request too, which makes requests and answers some 60 bytes longer. */
  readonly units: boolean;
}

/** Makes a client with connections of its own. Requests are counted for the whole process: use one client at a time. */
export function createMeteredClient<C extends DynamoDBClient>(
  makeClient: (config: Partial<DynamoDBClientConfig>) => C,
  { units }: MeteredOptions,
): Meter & { readonly client: C } {
  const sockets: Socket[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const { createConnection } = agent as unknown as { createConnection(...args: unknown[]): Socket };
  Object.assign(agent, {
    createConnection(...args: unknown[]): Socket {
      const socket = createConnection.apply(agent, args);
      sockets.push(socket);
      return socket;
    },
  });
  const client = makeClient({ requestHandler: { httpAgent: agent } });
  const spent = units ? countUnits(client) : { write: 0, read: 0 };
  return {
    client,
    traffic: () => ({
      requests,
      sent: sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0),
      received: sockets.reduce((sum, socket) => sum + socket.bytesRead, 0),
      writeUnits: spent.write,
      readUnits: spent.read,
    }),
  };
}

function countUnits(client: DynamoDBClient): { readonly write: number; readonly read: number } {
  const spent = { write: 0, read: 0 };
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: "TOTAL" } });
        const { ConsumedCapacity = [] } = result.output as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] };
        const sum = [ConsumedCapacity].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
        spent[/^(Query|Get|BatchGet|Scan)/.test(commandName) ? "read" : "write"] += sum;
        return result;
      },
    { step: "initialize", name: "benchUnits" },
  );
  return spent;
}
