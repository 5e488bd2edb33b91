/** What a program carries and waits for that uses the store and the core. */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type BuildResult, build } from "esbuild";
import type { Budget } from "./budget.js";
import { median } from "./statistics.js";

/** The sizes of bundles and the time of the import. */
export interface Size {
  /** A service's bundle: the repository on the store, with rows. */
  readonly service: BundleSize;
  /** All that the core and the store export. */
  readonly everything: BundleSize;
  /** The same service, and a handler that answers for it over HTTP. */
  readonly handler: BundleSize;
  /** The repository alone. */
  readonly core: BundleSize;
  /** The store of events alone. */
  readonly store: BundleSize;
  /** Milliseconds to import the core and the store when what they need is imported already: median of processes. */
  readonly importMs: number;
  readonly leastImportMs: number;
  /** How much of that reads the descriptors of the framework's own messages. */
  readonly descriptorsMs: number;
}

/** The bytes of a bundle without the SDK and the protobuf run time. */
export interface BundleSize {
  readonly minified: number;
  readonly gzip: number;
}

/** The most that a service's bundle may have, and the import take. */
export interface Ceilings {
  readonly gzipBytes: number;
  /** How much more a handler makes it. */
  readonly handlerGzipBytes: number;
  readonly importMs: number;
}

/** What the package promises. */
export const PROMISED: Ceilings = { gzipBytes: 20 * 1024, handlerGzipBytes: 15 * 1024, importMs: 15 };

const SERVICE = `
  export { defineAggregate, Repository } from "protosource-es";
  export { DynamoDBOpaqueStore, DynamoDBStore } from "protosource-es/dynamodb";
`;
const HANDLER = `
  ${SERVICE}
  export { fetchHandler, serve } from "protosource-es/http";
`;
const CORE = 'export { defineAggregate, Repository } from "protosource-es";';
const STORE = 'export { DynamoDBStore } from "protosource-es/dynamodb";';
const EVERYTHING = `
  export * from "protosource-es";
  export * from "protosource-es/dynamodb";
`;
const PROCESSES = 15;

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** Measures bundles and the import. */
export async function measureSize(): Promise<Size> {
  const bundles = await bundleAll();
  const times = importTimes(dependenciesOf(bundles.everything));
  const all = times.map(({ all }) => all);
  return {
    ...sizesOf(bundles),
    importMs: median(all),
    leastImportMs: Math.min(...all),
    descriptorsMs: median(times.map(({ descriptors }) => descriptors)),
  };
}

/** Measures bundles alone. */
export async function measureBundles(): Promise<BundleSizes> {
  return sizesOf(await bundleAll());
}

/** Compares a service's bundle and an import with what they may take. */
export function sizeBudgets(size: Size, importMs: number, most: Ceilings): readonly Budget[] {
  return [
    bundleBudget(size.service, most.gzipBytes),
    handlerBudget(size, most.handlerGzipBytes),
    {
      workload: "import of store and core",
      promise: `≤ ${most.importMs} ms beyond their dependencies`,
      measured: `${importMs.toFixed(1)} ms`,
      kept: importMs <= most.importMs,
    },
  ];
}

/** Compares a service's bundle with the bytes that it may take. */
export function bundleBudget({ gzip }: BundleSize, most: number): Budget {
  return {
    workload: "bundle of store and core",
    promise: `≤ ${kilobytes(most)} KB gzip`,
    measured: `${kilobytes(gzip)} KB`,
    kept: gzip <= most,
  };
}

/** Compares what a handler adds to a service's bundle with the bytes that it may take. */
export function handlerBudget({ service, handler }: BundleSizes, most: number): Budget {
  const added = handler.gzip - service.gzip;
  return {
    workload: "handler of HTTP beside them",
    promise: `≤ ${kilobytes(most)} KB gzip`,
    measured: `${kilobytes(added)} KB`,
    kept: added <= most,
  };
}

/** The sizes of the bundles that are made. */
export type BundleSizes = Pick<Size, "service" | "everything" | "handler" | "core" | "store">;
type Bundles = Readonly<Record<keyof BundleSizes, Bundle>>;

async function bundleAll(): Promise<Bundles> {
  const all = [bundle(SERVICE), bundle(EVERYTHING), bundle(HANDLER), bundle(CORE), bundle(STORE)] as const;
  const [service, everything, handler, core, store] = await Promise.all(all);
  return { service, everything, handler, core, store };
}

function sizesOf({ service, everything, handler, core, store }: Bundles): BundleSizes {
  return {
    service: sizeOf(service),
    everything: sizeOf(everything),
    handler: sizeOf(handler),
    core: sizeOf(core),
    store: sizeOf(store),
  };
}

type Bundle = BuildResult<{ readonly write: false; readonly metafile: true }>;

function bundle(contents: string): Promise<Bundle> {
  return build({
    stdin: { contents, resolveDir: `${REPOSITORY}bench` },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@protosource-es/source"],
    external: ["@aws-sdk/*", "@bufbuild/*"],
    write: false,
    metafile: true,
  });
}

function sizeOf({ outputFiles }: Bundle): BundleSize {
  const contents = outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: contents.length, gzip: gzipSync(contents, { level: 9 }).length };
}

/** The modules that a bundle imports when it is loaded. */
function dependenciesOf({ metafile }: Bundle): readonly string[] {
  const imports = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  return imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path);
}

interface ImportTimes {
  readonly all: number;
  readonly descriptors: number;
}

/** Imports the package, bundled as it is published, in processes of their own. */
function importTimes(dependencies: readonly string[]): readonly ImportTimes[] {
  const folder = `${REPOSITORY}bench/dist/package`;
  rmSync(folder, { recursive: true, force: true });
  const bundle = ["run", "--silent", "bundle", "--", `--outdir=${folder}`];
  execFileSync("npm", bundle, { cwd: `${REPOSITORY}packages/protosource-es` });
  const script = `${folder}/import.js`;
  writeFileSync(
    script,
    `${dependencies.map((path) => `import ${JSON.stringify(path)};`).join("\n")}
const start = performance.now();
await import("./proto/index.js");
const descriptors = performance.now() - start;
await import("./index.js");
await import("./dynamodb/index.js");
console.log(JSON.stringify({ descriptors, all: performance.now() - start }));
`,
  );
  const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };
  const run = (): string => execFileSync(process.execPath, [script], { env, encoding: "utf8" });
  return Array.from({ length: PROCESSES }, () => JSON.parse(run()) as ImportTimes);
}

function kilobytes(bytes: number): string {
  return String(Math.round(bytes / 102.4) / 10);
}
