/** Runs the studio until the user has seen enough. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createKeyring } from "protosource-es/personal";
import type { Context } from "../command.js";
import type { StudioOptions } from "../commands/studio.js";
import { EXIT, type ExitCode } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { wholeNumber } from "../format.js";
import { subscriptionsOf } from "../known-subscriptions.js";
import { loadSchemas } from "../load-schemas.js";
import { type OpenKeyStore, type OpenKeyStoreOptions, openKeyStore } from "../open-key-store.js";
import { type OpenStore, openStore } from "../open-store.js";
import type { Schemas } from "../schemas.js";
import { parseStoreUrl, storeUrl } from "../store-url.js";
import { studioApi } from "./api.js";
import { findInTables } from "./check-tables.js";
import { requestMeter } from "./meter.js";
import { readPage } from "./page-files.js";
import { sameFile } from "./same-file.js";
import { serveStudio } from "./server.js";
import type { StudioOptions as ApiOptions } from "./studio.js";

const MAX_PORT = 65_535;

/** Serves the page, and says where, until an interruption. */
export async function runStudio({ output, signal }: Context, options: StudioOptions): Promise<ExitCode> {
  const port = wholeNumber(options.port, "--port", 0, MAX_PORT);
  const page = readPage();
  const { shown, close } = options.demo ? await showDemo(options) : await showStore(options);
  try {
    for (const problem of shown.schemas.problems) output.note(`warning: ${problem}`);
    const server = await serveStudio({ page, api: studioApi(shown), port });
    try {
      if (output.json) await output.value({ address: server.address });
      else await output.line(server.address);
      output.note("It reads, and changes nothing. Only who has the whole address can ask it. End it by Ctrl-C.");
      if (options.open) openBrowser(server.opening);
      if (!signal.aborted) await once(signal, "abort");
    } finally {
      await server.close();
    }
  } finally {
    close();
  }
  return EXIT.ok;
}

/** What is to be shown, and what gives back what it holds open. */
interface Shown {
  readonly shown: ApiOptions;
  readonly close: () => void;
}

/** Opens what is to be shown of a store, for reading alone. */
export async function showStore(options: StudioOptions): Promise<Shown> {
  const location = parseStoreUrl(options.store);
  const known = await loadSchemas(options);
  const keysAt = options.keys === undefined ? undefined : parseStoreUrl(options.keys);
  const isCharged = location.kind === "dynamodb" || keysAt?.kind === "dynamodb";
  const meter = isCharged ? requestMeter() : undefined;
  const checkIsSame = location.kind === "sqlite" ? sameFile(location.path) : undefined;
  const opened: OpenStore = await openStore(location, { onRequest: meter?.onRequest, readOnly: true });
  const { store, opaqueStore, estimate, close } = opened;
  const keys = options.keys === undefined ? undefined : await openKeys(options.keys, known, meter?.onRequest);
  const schemas = { ...known, ...(keys && { keyring: createKeyring(keys.store) }) };
  const name = { kind: location.kind, name: storeUrl(location) };
  const words = [
    ...["--store", storeUrl(location)],
    ...(options.descriptors ? ["--descriptors", options.descriptors] : []),
    ...(options.domain ? ["--domain", options.domain] : []),
  ];
  const hasPositions = location.kind === "sqlite" || location.feedsTable !== undefined;
  const all =
    options.domain && hasPositions ? await subscriptionsOf(options.domain, { store, opaqueStore }) : undefined;
  const followed = all && { all, store };
  const checkTables = (signal: AbortSignal) => findInTables(location, signal);
  return {
    shown: { store, opaqueStore, schemas, name, words, followed, estimate, checkTables, checkIsSame, meter },
    close() {
      keys?.close();
      close();
    },
  };
}

/** Opens the key store of an address for reading. Throws `invalid_argument` where the domain has a keyring of its own. */
async function openKeys(
  url: string,
  { keyring }: Schemas,
  onRequest: OpenKeyStoreOptions["onRequest"],
): Promise<OpenKeyStore> {
  if (keyring !== undefined)
    throw usageError("--keys", "the module of --domain exports the keyring: leave --keys out, or the keyring");
  return openKeyStore(url, { readOnly: true, onRequest });
}

/** Where the module of the demo is: beside the built program, and from the sources where the build puts it. */
const DEMO: readonly URL[] = ["./demo.js", "../../dist/studio/demo.js"].map((path) => new URL(path, import.meta.url));

interface DemoModule {
  /** Makes a store with the past of the shop. */
  demoStore(): Promise<Pick<ApiOptions, "store" | "opaqueStore" | "followed">>;
}

async function showDemo({ store: url, descriptors, domain, keys }: StudioOptions): Promise<Shown> {
  if (keys ?? domain ?? descriptors ?? url)
    throw usageError("--demo", "--demo shows a domain of its own: leave the other options out");
  const module = DEMO.find((one) => existsSync(one)) ?? DEMO[0];
  const path = fileURLToPath(module as URL);
  const schemas = await loadSchemas({ domain: path });
  const { demoStore } = (await import(pathToFileURL(path).href)) as DemoModule;
  const name = { kind: "memory", name: "a made-up shop, in memory" } as const;
  return { shown: { ...(await demoStore()), schemas, name }, close() {} };
}

/** Asks the system for its browser. Without one the address is there to be opened by hand. */
function openBrowser(address: string): void {
  const command = process.platform === "darwin" ? "open" : process.platform === "win32" ? "explorer" : "xdg-open";
  spawn(command, [address], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
