/** Descriptors of the example domains, as a user makes them. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The modules of the schemas behind the golden items. */
const DOMAINS: readonly string[] = ["packages/protosource-es/test/proto", "examples/orders/proto"];

/** Builds the image of some modules of the repository into a file, and gives the file's path. */
export function buildImage(path: string, modules: readonly string[] = DOMAINS): string {
  const config = JSON.stringify({ version: "v2", modules: ["proto", ...modules].map((path) => ({ path })) });
  const args = ["build", "--config", config, "--output", path];
  const { status, stderr, error } = spawnSync(`${root}node_modules/.bin/buf`, args, { cwd: root });
  if (status !== 0) throw new Error(`buf build failed\n${stderr}`, { cause: error });
  return path;
}
