/** Where the processor's time goes in a call: samples of the running function, added up by function and by module. */
import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/** A function or a module, and its share of the time that the processor was busy. */
export interface Share {
  readonly name: string;
  readonly share: number;
}

export interface Profile {
  /** Milliseconds of one call in which the main thread was busy, the collector's work on it included. */
  readonly busyMs: number;
  readonly functions: readonly Share[];
  readonly modules: readonly Share[];
}

const SAMPLING_MICROSECONDS = 100;

/** Waiting, what isn't JavaScript's, and the profiler's own work. */
const UNCOUNTED = new Set(["(idle)", "(program)", "dispatch"]);

/** Adds up what is seen of calls that are made in several slices. */
export interface Profiler {
  /** Makes calls one after another. */
  measure(calls: readonly (() => Promise<unknown>)[]): Promise<void>;
  /** Gives what was seen so far. */
  profile(): Profile;
}

/** Makes a profiler that has seen nothing. */
export function createProfiler(): Profiler {
  const functions = new Map<string, number>();
  const modules = new Map<string, number>();
  let busy = 0;
  let calls = 0;
  return {
    async measure(slice) {
      const session = new Session();
      session.connect();
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: SAMPLING_MICROSECONDS });
      await session.post("Profiler.start");
      for (const call of slice) await call();
      const { profile } = await session.post("Profiler.stop");
      session.disconnect();

      calls += slice.length;
      const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
      for (const [i, id] of (profile.samples ?? []).entries()) {
        const frame = nodes.get(id);
        const micros = profile.timeDeltas?.[i] ?? 0;
        if (!frame || UNCOUNTED.has(frame.functionName)) continue;
        busy += micros;
        add(modules, moduleOf(frame), micros);
        add(functions, `${frame.functionName || "(anonymous)"} in ${placeOf(frame)}`, micros);
      }
    },
    profile: () => ({
      busyMs: busy / 1000 / calls,
      functions: shares(functions, busy),
      modules: shares(modules, busy),
    }),
  };
}

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** The package of a dependency, the file of one's own, or what the engine calls its own work. */
function moduleOf(frame: Frame): string {
  if (frame.url === "") return frame.functionName.startsWith("(") ? frame.functionName : "(built in)";
  if (frame.url.startsWith("node:")) return frame.url;
  const source = original(frame)?.originalSource ?? frame.url;
  const dependency = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1];
  return dependency ?? source.replace(/^.*(packages\/protosource-es\/src|bench\/src|examples)\//, "$1/");
}

/** The file and line of a function. */
function placeOf(frame: Frame): string {
  if (!frame.url.includes("/")) return moduleOf(frame);
  const { originalSource = frame.url, originalLine = frame.lineNumber } = original(frame) ?? {};
  return `${originalSource.replace(/^.*(node_modules|packages\/protosource-es|bench|examples)\//, "")}:${originalLine + 1}`;
}

const bundleUrl = import.meta.url;
const bundleMap = new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(bundleUrl)}.map`, "utf8")));

function original(frame: Frame): { readonly originalSource: string; readonly originalLine: number } | undefined {
  if (frame.url !== bundleUrl) return undefined;
  const entry = bundleMap.findEntry(frame.lineNumber, frame.columnNumber);
  return "originalSource" in entry ? entry : undefined;
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

function shares(sums: ReadonlyMap<string, number>, total: number): readonly Share[] {
  return [...sums].map(([name, sum]) => ({ name, share: sum / total })).sort((a, b) => b.share - a.share);
}
