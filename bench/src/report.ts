/** The results as Markdown. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { budgetTable } from "./budget.js";
import { budgets, type Measured } from "./budgets.js";
import { markdownTable } from "./markdown.js";
import { FLOOR_AGAIN } from "./names.js";
import { peerVersions } from "./peers/installed.js";
import type { Profile, Share } from "./profile.js";
import type { Cost, Result, Results } from "./results.js";
import type { Size } from "./size.js";

/** What the report tells beside the measurements. */
export interface RunFacts {
  readonly rounds: number;
  readonly loadBefore: number;
  readonly engines: readonly string[];
}

/** Gives the whole report. */
export function report(measured: Measured, rebuilds: Results, facts: RunFacts): string {
  const { dynamoDB, embedded, longStream, size } = measured;
  const sections = [
    `${machine(facts)}\n\n${versions()}`,
    `### Budgets\n\n${budgetTable(budgets(measured))}`,
    `### How much the floor differs from itself\n\n${selfDifference(dynamoDB)}`,
    `### Requests, write units, read units of a call\n\n${table(dynamoDB, unitsCell)}\n\n${table(rebuilds, unitsCell)}`,
    `### Kilobytes sent and received by a call\n\n${table(dynamoDB, bytesCell)}`,
    `### Processor time of the client, in milliseconds (× floor)\n\n${table(dynamoDB, (result) => costCell(result.cpu, result.wrong))}\n\n${table(rebuilds, (result) => costCell(result.cpu, result.wrong))}`,
    `### Time on the wall, in milliseconds (× floor)\n\n${table(dynamoDB, (result) => costCell(result.wall, result.wrong))}\n\n${table(rebuilds, (result) => costCell(result.wall, result.wrong))}`,
    `### Kilobytes of JavaScript objects that a call makes\n\n${table(dynamoDB, memoryCell)}`,
    `### In an SQLite file: wall, processor time, memory\n\n${table(embedded, embeddedCell)}`,
    `### A long stream\n\n${longStream.events} events were read in ${longStream.seconds.toFixed(1)} s; live objects and buffers took at most ${longStream.grownMiB.toFixed(1)} MiB more than before, after a collection at every 10,000 events.`,
    `### Size\n\n${sizes(size)}`,
  ];
  return sections.join("\n\n");
}

/** Gives what profiles of one workload show. */
export function profileReport(workload: string, profiles: ReadonlyMap<string, Profile>): string {
  const columns = [...profiles].map(([name, profile]) => {
    const list = (shares: readonly Share[]): string =>
      shares
        .filter(({ share }) => share >= 0.01)
        .slice(0, 12)
        .map(({ name, share }) => `| ${number(share * profile.busyMs)} | ${(share * 100).toFixed(0)} % | ${name} |`)
        .join("\n");
    return `#### ${name}: busy for ${number(profile.busyMs)} ms a call

| ms | share | module |
| --: | --: | --- |
${list(profile.modules)}

| ms | share | function |
| --: | --: | --- |
${list(profile.functions)}`;
  });
  return `### ${workload}\n\nNode ${process.version}, protosource-es at ${commit()}.\n\n${columns.join("\n\n")}`;
}

function sizes({ service, everything, handler, core, store, importMs, leastImportMs, descriptorsMs }: Size): string {
  const bundles = markdownTable(
    ["", "minified KB", "gzip KB"],
    [
      ["a service's bundle: Repository, DynamoDBStore, DynamoDBOpaqueStore", kb(service.minified), kb(service.gzip)],
      ["the same with fetchHandler", kb(handler.minified), kb(handler.gzip)],
      ["Repository alone", kb(core.minified), kb(core.gzip)],
      ["DynamoDBStore alone", kb(store.minified), kb(store.gzip)],
      ["all that the core and the store export", kb(everything.minified), kb(everything.gzip)],
    ],
  );
  return `${bundles}\n\nWithout the SDK and the protobuf run time. The import takes ${importMs.toFixed(1)} ms beyond theirs, the quickest of the processes ${leastImportMs.toFixed(1)} ms. ${descriptorsMs.toFixed(1)} ms of them go into the descriptors of the framework's own messages, which generated code needs too.`;
}

function machine({ rounds, loadBefore, engines }: RunFacts): string {
  const [cpu] = cpus();
  const date = new Date().toISOString().slice(0, 10);
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${date}, ${rounds} rounds, ${cpus().length} × ${cpu?.model.trim()}, ${memory} GiB; load ${loadBefore.toFixed(1)} at the beginning, ${loadavg()[0]?.toFixed(1)} at the end. Time on ${engines[0]}, capacity units from ${engines[1]}.`;
}

function versions(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { dependencies } = JSON.parse(manifest) as { readonly dependencies: Readonly<Record<string, string>> };
  const all = Object.entries({ ...dependencies, ...peerVersions() }).filter(([, version]) => version !== "0.0.0");
  return `Node ${process.version}, ${all.map(([name, version]) => `${name} ${version}`).join(", ")}; protosource-es at ${commit()}.`;
}

function commit(): string {
  return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
}

function selfDifference(results: Results): string {
  const rows = [...results].flatMap(([workload, stores]) => {
    const again = stores.get(FLOOR_AGAIN);
    return again ? [[workload, range(again.cpu), range(again.wall)]] : [];
  });
  return markdownTable(["workload", "CPU × [middle half]", "wall × [middle half]"], rows);
}

function range({ ratio, low, high }: Cost): string {
  return `${ratio.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`;
}

/** A row for each workload, a column for each store. */
function table(results: Results, cell: (result: Result) => string): string {
  const stores = [...new Set([...results.values()].flatMap((ofWorkload) => [...ofWorkload.keys()]))];
  const shown = stores.filter((name) => !name.endsWith(" again"));
  const rows = [...results].map(([workload, ofWorkload]) => [
    workload,
    ...shown.map((name) => {
      const result = ofWorkload.get(name);
      return result ? cell(result) : "–";
    }),
  ]);
  return markdownTable(["", ...shown], rows);
}

function unitsCell({ units }: Result): string {
  if (!units) return "–";
  const { requests, writeUnits, readUnits } = units;
  return [requests, writeUnits, readUnits].map((value) => String(Math.round(value * 100) / 100)).join(" / ");
}

function bytesCell({ traffic: { sent, received } }: Result): string {
  return `${kb(sent)} / ${kb(received)}`;
}

function costCell({ ms, ratio }: Cost, wrong: string | undefined): string {
  return `${number(ms)} (${ratio.toFixed(2)})${wrong === undefined ? "" : ` **${wrong}**`}`;
}

function memoryCell({ allocatedBytes }: Result): string {
  return number(allocatedBytes / 1024);
}

function embeddedCell(result: Result): string {
  const { wall, cpu, wrong } = result;
  return `${costCell(wall, wrong)}, ${costCell(cpu, undefined)}, ${memoryCell(result)} KB`;
}

function kb(bytes: number): string {
  return number(bytes / 1024);
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
