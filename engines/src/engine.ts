import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient, type DynamoDBClientConfig, ListTablesCommand } from "@aws-sdk/client-dynamodb";

// The SDK warns at every start on Node 20, for releases that this repository doesn't use.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

export type EngineName = "dynamodb-local" | "dynoxide";

/** A running engine. Unless it was given a folder, it keeps its data in memory and loses them when it stops. */
export interface Engine {
  readonly name: EngineName;
  /** The address of the engine, such as `http://127.0.0.1:40123`. */
  readonly endpoint: string;
  /** Makes a client of the engine. The caller destroys it. */
  client(config?: Partial<DynamoDBClientConfig>): DynamoDBClient;
  /** Ends the engine: within 5 seconds, by force if need be. Calling it again is fine. */
  stop(): Promise<void>;
}

const START_ATTEMPTS = 3;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;

/** Makes a client for an engine at an address, as {@link Engine.client} does. */
export function engineClient(endpoint: string, config: Partial<DynamoDBClientConfig> = {}): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    ...config,
  });
}

/**
 * Runs an engine's command on a free port and waits until it answers.
 *
 * Throws an error with the last output of the command when it ends early, or is silent for a minute.
 */
export async function startEngine(
  name: EngineName,
  command: string,
  args: (port: number) => readonly string[],
): Promise<Engine> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const server = await runServer(command, args(port));
    const endpoint = `http://127.0.0.1:${port}`;
    try {
      await untilReady(endpoint, server);
      return { name, endpoint, client: (config) => engineClient(endpoint, config), stop: () => stop(server.child) };
    } catch (cause) {
      await stop(server.child);
      // Somebody else may have taken the port between the two lines above.
      if (attempt === START_ATTEMPTS) {
        throw new Error(`${name} did not start in ${attempt} attempts. Its last output:\n${server.output()}`, {
          cause,
        });
      }
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("The system gave no port to listen on.");
  return address.port;
}

interface Server {
  readonly child: ChildProcess;
  /** The end of what the command printed. */
  output(): string;
}

async function runServer(command: string, args: readonly string[]): Promise<Server> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  await once(child, "spawn");
  killWithThisProcess(child);
  return { child, output: () => output };
}

async function untilReady(endpoint: string, { child }: Server): Promise<void> {
  const client = engineClient(endpoint, { maxAttempts: 1 });
  const deadline = Date.now() + START_TIMEOUT_MS;
  try {
    for (;;) {
      if (hasEnded(child)) throw new Error("The command ended early.");
      try {
        await client.send(new ListTablesCommand({}), { abortSignal: AbortSignal.timeout(5_000) });
        return;
      } catch (cause) {
        if (Date.now() > deadline) throw new Error(`It gave no answer in ${START_TIMEOUT_MS / 1000} s.`, { cause });
        await sleep(50);
      }
    }
  } finally {
    client.destroy();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exit;
  clearTimeout(force);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

const running = new Set<ChildProcess>();

/** Sees to it that a child doesn't outlive this process, also when a signal ends it. */
function killWithThisProcess(child: ChildProcess): void {
  if (running.size === 0) {
    process.once("exit", killAll);
    for (const signal of SIGNALS) process.once(signal, killAllAndEnd);
  }
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size > 0) return;
    process.off("exit", killAll);
    for (const signal of SIGNALS) process.off(signal, killAllAndEnd);
  });
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

function killAllAndEnd(signal: NodeJS.Signals): void {
  killAll();
  // A listener takes the place of the system's default, which is to end the process.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}
