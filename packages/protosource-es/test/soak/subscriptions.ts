/**
 * Runs processes that write orders, racing for them, and others that follow them by two read models, a process and an
 * outbox; kills them all at random with SIGKILL, starts them again, and compares what the subscriptions did with a plain
 * fold of all streams. It ends with 1 when anything is wrong.
 *
 * `npm run soak:subscriptions -- --events 100000 --writers 2 --followers 3 --seed 1 --engine sqlite --minutes 30
 * --report FILE`. `minutes` is how long those who follow may take once nobody writes.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startDynoxide } from "@protosource-es/engines";
import { Repository } from "protosource-es";
import { ensureTables } from "protosource-es/dynamodb";
import { Subscriptions } from "protosource-es/subscriptions";
import { randomFaults, startFaultProxy } from "protosource-es/testing/faults";
import { bundleProgram } from "../bundle.js";
import { type TestTypes, testCommands } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { testAggregate } from "../subscriptions/sales.js";
import { openPlace, type Place, subscriptionsOf, TABLES, TALLIES } from "./followed.js";
import { compare, type Findings, foldAll } from "./followed-rows.js";
import type { FollowerOptions } from "./follower.js";
import { randomNumbers } from "./random.js";
import { type Restarted, restart, startProgram } from "./restarted.js";

const EVENTS_PER_ORDER = 100;
const MS_PER_KILL = 1_500;
const FAULT_RATE = 0.05;
/** No file: an audit sends nothing. */
const NOWHERE = -1;

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "10000" },
    writers: { type: "string", default: "2" },
    followers: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    engine: { type: "string", default: "sqlite" },
    minutes: { type: "string", default: "30" },
    report: { type: "string", default: "soak-report.md" },
  },
});
const events = Number(values.events);
const seed = Number(values.seed);
const orders = Math.ceil(events / EVENTS_PER_ORDER);

const folder = mkdtempSync(join(tmpdir(), "protosource-soak-"));
const program = join(folder, "follower.mjs");
await bundleProgram(new URL("follower.ts", import.meta.url), program);
const engine = values.engine === "sqlite" ? undefined : await startDynoxide();
const proxy = engine && (await startFaultProxy(engine.endpoint, { keepRequests: false }));
if (engine) await ensureTables(engine.client(), TABLES);
const faults = randomFaults({ seed, rate: FAULT_RATE, lateMs: 1_500 });
proxy?.decide(faults.fateOf);
const placeAt = (endpoint: string | undefined): Place =>
  endpoint === undefined ? { kind: "sqlite", path: join(folder, "soak.db") } : { kind: "dynamodb", endpoint };
const direct = openPlace(placeAt(engine?.endpoint));
const tests: Repository<TestTypes> = new Repository(testAggregate, direct.store);
for (let i = 0; i < TALLIES; i++) {
  await tests.apply(testCommands.Create({ body: "tally" }), { id: `tally-${i}`, actor: "soak" });
}

interface Follower extends Restarted {
  readonly role: FollowerOptions["role"];
  readonly name: string;
}

const processes: Follower[] = [
  ...Array.from({ length: Number(values.writers) }, (_, i) => ({
    role: "write" as const,
    name: `w${i}`,
    child: undefined,
  })),
  ...Array.from({ length: Number(values.followers) }, (_, i) => ({
    role: "follow" as const,
    name: `f${i}`,
    child: undefined,
  })),
];
const start = performance.now();
let ending: FollowerOptions["role"][] = [];
let starts = 0;
const running = processes.map((one) => ({
  role: one.role,
  done: restart(
    one,
    () => {
      const { role, name } = one;
      const options: FollowerOptions = {
        role,
        place: placeAt(proxy?.endpoint),
        seed: seed * 1_000 + starts++,
        orders,
        file: join(folder, `${name}.${role === "write" ? "written" : "sent"}`),
        counts: join(folder, `${name}.counts`),
      };
      return startProgram(program, options);
    },
    () => ending.includes(one.role),
  ),
}));

const filesOf = (ending: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
const written = (): number => filesOf(".written").reduce((sum, file) => sum + statSync(file).size, 0);

const random = randomNumbers(seed);
let kills = 0;
while (written() < events) {
  await sleep((0.5 + random()) * MS_PER_KILL);
  const victim = processes[Math.floor(random() * processes.length)];
  if (victim?.child?.kill("SIGKILL")) kills++;
}
await finish("write");
proxy?.decide(() => "pass");

// Those who follow do the rest by themselves.
const auditor = new Subscriptions({ ...direct, all: subscriptionsOf(direct.store, NOWHERE) });
const drained = performance.now() + Number(values.minutes) * 60_000;
let audit = await auditor.audit();
while (audit.behind.length > 0 && performance.now() < drained) {
  await sleep(1_000);
  audit = await auditor.audit();
}
await finish("follow");
const seconds = Math.round((performance.now() - start) / 1_000);

const fold = await foldAll(direct.store);
const sentLines = filesOf(".sent").flatMap((file) => readFileSync(file, "utf8").split("\n").slice(0, -1));
const sent = new Set(sentLines);
const findings = await compare(direct.store, direct.opaqueStore, fold, sent);
const report = reportOf(findings);
writeFileSync(values.report, report);
console.log(report);
const isWrong = Object.values(findings).some((count) => count > 0);
const stands = audit.behind.length + audit.ahead.length + audit.parked.length;
if (isWrong || stands > 0) process.exitCode = 1;
direct.close();
await proxy?.close();
await engine?.stop();
rmSync(folder, { recursive: true });

async function finish(role: FollowerOptions["role"]): Promise<void> {
  ending = [...ending, role];
  const ended = running.filter((one) => one.role === role);
  for (const { child } of processes.filter((one) => one.role === role)) child?.kill("SIGTERM");
  await Promise.all(ended.map(({ done }) => done));
}

function countsOf(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const file of filesOf(".counts").filter((one) => existsSync(one))) {
    for (const line of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
      for (const [kind, count] of Object.entries(JSON.parse(line) as Record<string, number>)) {
        counts.set(kind, (counts.get(kind) ?? 0) + count);
      }
    }
  }
  return counts;
}

function reportOf(found: Findings): string {
  const injected = [...faults.counts.values()].reduce((sum, count) => sum + count, 0);
  return [
    "| what | how many |",
    "|---|---:|",
    `| events stored, those of the process included | ${fold.events} |`,
    `| streams | ${fold.streams} |`,
    `| processes that write, and that follow | ${values.writers}, ${values.followers} |`,
    `| kills with SIGKILL | ${kills} |`,
    `| faults injected | ${injected} |`,
    ...[...countsOf()].map(([kind, count]) => `| steps: ${kind} | ${count} |`),
    `| rows that differ from a plain fold of all streams | ${found.wrongRows} |`,
    `| events skipped | ${found.skipped} |`,
    `| events doubled | ${found.doubled} |`,
    `| effects without position | ${found.effectsWithoutPosition} |`,
    `| positions without effect | ${found.positionsWithoutEffect} |`,
    `| events that a process had to answer | ${fold.placed.length} |`,
    `| of them not answered | ${found.commandsSkipped} |`,
    `| of them answered twice | ${found.commandsDoubled} |`,
    `| messages of the outbox | ${fold.outgoing.length} |`,
    `| of them never sent | ${found.unsent} |`,
    `| sent again, with the same id | ${sentLines.length - sent.size} |`,
    `| streams behind, ahead and parked at last | ${audit.behind.length}, ${audit.ahead.length}, ${audit.parked.length} |`,
    "",
    `On ${engine?.name ?? "SQLite"}, seed ${seed}, ${seconds} s.`,
    "",
  ].join("\n");
}
