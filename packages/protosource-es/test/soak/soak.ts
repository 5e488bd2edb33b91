/**
 * Runs processes that read and write the same streams through a proxy full of faults, kills them at random, starts them
 * again, and compares what is stored with what was acknowledged. It ends with 1 when anything is wrong.
 *
 * `npm run soak -- --operations 100000 --processes 4 --seed 1 --rate 0.1 --engine dynoxide --layout mixed
 * --minutes 30 --report FILE`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { engineClient, startDynamoDBLocal, startDynoxide } from "@protosource-es/engines";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { FAULT_KINDS, type FaultKind, randomFaults, startFaultProxy } from "protosource-es/testing/faults";
import { bundleProgram } from "../bundle.js";
import { writeBehindCuts } from "./behind-cuts.js";
import { exportTables, findWrongExport } from "./exports.js";
import { type Entry, now, readJournal } from "./journal.js";
import { deleteExpired } from "./keeper.js";
import { fastClock } from "./lives.js";
import { randomNumbers } from "./random.js";
import { type Verdict, verify } from "./verify.js";
import type { WorkerOptions } from "./worker.js";

const TIME_LIMITS = { attemptMs: 1_000, totalMs: 8_000 };
const LATE_MS = 1_500;
const AT_ONCE = 8;
const REQUESTS_PER_KILL = 2_000;
const SKEW_MS = 100;
const KEEPER_PAUSE_MS = 400;
const EXPORT_PAUSE_MS = 10_000;
const MAX_EXPORTS = 10;
const TABLES = { eventsTable: "soak-events", aggregatesTable: "soak-aggregates" };

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "10000" },
    processes: { type: "string", default: "4" },
    seed: { type: "string", default: "1" },
    rate: { type: "string", default: "0.1" },
    engine: { type: "string", default: "dynoxide" },
    layout: { type: "string", default: "mixed" },
    minutes: { type: "string", default: "30" },
    report: { type: "string", default: "soak-report.md" },
  },
});
const operations = Number(values.operations);
const processes = Number(values.processes);
const seed = Number(values.seed);
const rate = Number(values.rate);
/** What the workers write: each the next of these. */
const layouts = { compatible: ["compatible"], packed: ["packed"], mixed: ["compatible", "packed"] } as const;
const written = layouts[values.layout as keyof typeof layouts];

const folder = mkdtempSync(join(tmpdir(), "protosource-soak-"));
const program = join(folder, "worker.mjs");
await bundleProgram(new URL("worker.ts", import.meta.url), program);
const engine = await (values.engine === "dynamodb-local" ? startDynamoDBLocal() : startDynoxide());
const direct = engine.client();
await ensureTables(direct, TABLES);
const proxy = await startFaultProxy(engine.endpoint, { keepRequests: false });
// Torn transactions show themselves only to a read at that moment.
const kinds = [...FAULT_KINDS, ...Array<FaultKind>(6).fill("torn transaction")];
const faults = randomFaults({ seed, rate, lateMs: LATE_MS, kinds });
let requests = 0;
proxy.decide((request) => {
  requests++;
  return faults.fateOf(request);
});

interface Worker {
  readonly index: number;
  readonly to: number;
  starts: number;
  journals: string[];
  child: ChildProcess | undefined;
}

const opaqueStore = new DynamoDBOpaqueStore(direct, { table: TABLES.aggregatesTable });
const store = new DynamoDBStore(direct, { eventsTable: TABLES.eventsTable, opaqueStore });

const begin = now();
const start = performance.now();
const deadline = start + Number(values.minutes) * 60_000;
let kills = 0;

const share = Math.ceil(operations / processes);
const workers: Worker[] = Array.from({ length: processes }, (_, index) => ({
  index,
  to: share,
  starts: 0,
  journals: [],
  child: undefined,
}));

function nextOf(worker: Worker): number {
  const last = worker.journals.at(-1);
  if (last === undefined) return 0;
  const begun = readJournal(last).flatMap((entry) => ("operation" in entry ? [entry.operation] : []));
  return begun.reduce((most, operation) => Math.max(most, operation + 1), previous.get(worker.index) ?? 0);
}

/** Where each worker went on at its last start. */
const previous = new Map<number, number>();

function run(worker: Worker): void {
  const from = nextOf(worker);
  previous.set(worker.index, from);
  const name = `w${worker.index}.${worker.starts++}`;
  const options: WorkerOptions = {
    ...TABLES,
    layout: written[worker.index % written.length] ?? "compatible",
    endpoint: proxy.endpoint,
    journal: join(folder, `${name}.jsonl`),
    name,
    seed: seed * 1_000 + worker.index * 100 + worker.starts,
    from,
    to: worker.to,
    atOnce: AT_ONCE,
    // With the SDK's own retries, and without.
    maxAttempts: worker.index % 2 === 0 ? 3 : 1,
    // One has to wait for its connections, and each has a clock of its own.
    maxSockets: worker.index === 0 ? 2 : undefined,
    begin,
    skewMs: worker.index * SKEW_MS,
    timeLimits: TIME_LIMITS,
  };
  worker.journals.push(options.journal);
  worker.child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}

async function finish(worker: Worker): Promise<void> {
  for (;;) {
    run(worker);
    const [code] = (await once(worker.child as ChildProcess, "exit")) as [number | null];
    worker.child = undefined;
    if (code === 0 || performance.now() > deadline) return;
    if (code !== null) throw new Error(`a worker ended with ${code}`);
  }
}

let running = true;
async function killAtRandom(): Promise<void> {
  const random = randomNumbers(seed);
  let next = 0;
  while (running) {
    await sleep(50);
    if (requests >= next) {
      next = requests + (0.5 + random()) * REQUESTS_PER_KILL;
      const victim = workers[Math.floor(random() * workers.length)];
      if (victim?.child?.kill("SIGKILL")) kills++;
    }
    if (performance.now() > deadline) for (const { child } of workers) child?.kill("SIGKILL");
  }
}

let deleted = 0;
async function keepTables(): Promise<void> {
  const random = randomNumbers(seed + 1);
  const clock = fastClock(begin);
  while (running) {
    await sleep(KEEPER_PAUSE_MS);
    deleted += await deleteExpired(direct, TABLES, clock, random);
  }
}

const exports: string[] = [];
async function exportMeanwhile(): Promise<void> {
  for (let number = 0; running && number < MAX_EXPORTS; number++) {
    await sleep(EXPORT_PAUSE_MS);
    const file = join(folder, `export-${number}.jsonl`);
    if (running && (await exportTables(engine.endpoint, TABLES, file))) exports.push(file);
  }
}

const killing = killAtRandom();
const exporting = exportMeanwhile();
const keeping = keepTables();
await Promise.all(workers.map(finish));
running = false;
await Promise.all([killing, keeping, exporting]);
// The last late requests are still to come.
await sleep(LATE_MS + 500);
const proxied = engineClient(proxy.endpoint);
const openBehindProxy = (): DynamoDBStore => {
  const rows = new DynamoDBOpaqueStore(proxied, { table: TABLES.aggregatesTable, timeLimits: TIME_LIMITS });
  return new DynamoDBStore(proxied, { eventsTable: TABLES.eventsTable, opaqueStore: rows, timeLimits: TIME_LIMITS });
};
// Late requests would come behind a cut, which an operator prevents by stopping the writers.
proxy.decide((request) => {
  const fate = faults.fateOf(request);
  return typeof fate === "object" && "delayMs" in fate ? "pass" : fate;
});
const behindCuts = await writeBehindCuts(
  openBehindProxy,
  store,
  Math.ceil(operations / 1_000),
  randomNumbers(seed + 2),
);
proxied.destroy();
const seconds = (performance.now() - start) / 1_000;
await proxy.close();

const entries = workers.flatMap(({ journals }) => journals.filter((path) => existsSync(path)).flatMap(readJournal));
const verdict = await verify(store, opaqueStore, entries);
const wrongExports = exports.flatMap((file) => findWrongExport(file, entries));
const problems = [...verdict.problems, ...behindCuts.problems, ...wrongExports];
const report = reportOf(verdict, entries);
writeFileSync(values.report, report);
console.log(report);
direct.destroy();
await engine.stop();
rmSync(folder, { recursive: true });
if (problems.length > 0) process.exitCode = 1;

function reportOf(found: Verdict, entries: readonly Entry[]): string {
  const finished = entries.filter((entry) => entry.kind === "finished");
  const outcomes = new Map<string, number>();
  for (const { name, outcome } of finished) {
    const key = `${name}: ${outcome}`;
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
  }
  const injected = [...faults.counts.values()].reduce((sum, count) => sum + count, 0);
  return [
    "| what | how many |",
    "|---|---:|",
    `| operations finished | ${finished.length} |`,
    `| requests | ${requests} |`,
    `| faults injected | ${injected} |`,
    `| processes, each killed and restarted at random | ${processes} |`,
    `| kills with SIGKILL | ${kills} |`,
    `| streams | ${found.streams} |`,
    `| events stored | ${found.events} |`,
    `| writes acknowledged | ${found.acknowledged} |`,
    `| writes of unknown outcome, interrupted ones included | ${found.unknown} |`,
    `| acknowledged writes lost | ${found.lost} |`,
    `| writes doubled | ${found.doubled} |`,
    `| writes stored in part, or though refused | ${found.halves} |`,
    `| wrong reads | ${found.wrongReads} |`,
    `| read models that aren't the fold of their events | ${found.wrongRows} |`,
    `| saves stored with a check of another stream | ${found.checks} |`,
    `| checks that didn't hold | ${found.wrongChecks} |`,
    `| values taken and freed | ${found.claims} |`,
    `| answers about the owner of a value | ${found.owners} |`,
    `| values with two owners at once, or a wrong answer | ${found.wrongClaims} |`,
    `| commands with an id | ${found.commands} |`,
    `| callers told that their command was repeated | ${found.repeated} |`,
    `| commands carried out twice, or with a wrong answer | ${found.wrongCommands} |`,
    `| creations of ids that expire and are used again | ${found.lives} |`,
    `| expired items that the engine deleted meanwhile | ${deleted} |`,
    `| creations while the one before was alive | ${found.wrongLives} |`,
    `| ends of streams that were cut off behind the caches of writers | ${behindCuts.cuts} |`,
    `| commands of these writers that were acknowledged then | ${behindCuts.appends} |`,
    `| of them lost, or stored behind a hole | ${behindCuts.problems.length} |`,
    `| exports while the workers wrote | ${exports.length} |`,
    `| parts of saves, or gaps, in them | ${wrongExports.length} |`,
    "",
    `Engine ${engine.name}, layout ${values.layout}, seed ${seed}, fault rate ${rate}, ${Math.round(seconds)} s.`,
    "",
    "| fault | injected |",
    "|---|---:|",
    ...FAULT_KINDS.map((kind) => `| ${kind} | ${faults.counts.get(kind) ?? 0} |`),
    "",
    "| operation and outcome | how often |",
    "|---|---:|",
    ...[...outcomes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, count]) => `| ${key} | ${count} |`),
    "",
    ...problems.slice(0, 100).map((problem) => `- ${problem}`),
    "",
  ].join("\n");
}
