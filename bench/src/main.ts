/**
 * Measures and reports.
 *
 *     npm run bench                                   measure, and write the results into README.md
 *     npm run bench -- --check                        measure without the peers, and compare with the budgets
 *     npm run bench -- --profile "load 8000 to events"   show where the processor's time goes, fast path off and on
 *     npm run bench -- --only "append|tail" --rounds 5   measure a part, and write nothing
 *     npm run bench -- --subscriptions 100000            measure subscriptions with so many events, and write nothing
 *     npm run bench -- --personal                        measure sealing and opening, and write nothing
 *     npm run bench -- --http                            measure requests in memory, and write nothing
 *     npm run bench -- --studio                          measure the page of the studio, and write nothing
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startDynamoDBLocal, startDynoxide } from "@protosource-es/engines";
import { budgetTable } from "./budget.js";
import { budgets, type Measured } from "./budgets.js";
import { measureHttp } from "./http.js";
import type { Entry } from "./interleave.js";
import { readLongStream } from "./long-stream.js";
import { OURS, OURS_PLAIN } from "./names.js";
import { carryOut, measureInOwnProcess } from "./own-process.js";
import { installPeers } from "./peers/installed.js";
import { measurePersonal } from "./personal.js";
import { createProfiler } from "./profile.js";
import { inject } from "./readme.js";
import { profileReport, report } from "./report.js";
import type { Result, Results } from "./results.js";
import { measureSize } from "./size.js";
import { dynamoDBEntries } from "./stores.js";
import { measureStudio } from "./studio.js";
import { appendAlone, measureSubscriptions } from "./subscriptions.js";
import { type Kind, shapesOf, WORKLOADS, type Workload } from "./workloads.js";

const { values: args } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    profile: { type: "string" },
    only: { type: "string" },
    rounds: { type: "string", default: "8" },
    task: { type: "string" },
    append: { type: "string" },
    subscriptions: { type: "string" },
    personal: { type: "boolean", default: false },
    http: { type: "boolean", default: false },
    studio: { type: "boolean", default: false },
    "subscriptions-dynamodb": { type: "string", default: "2000" },
  },
});

/** As many slices as make a profile of some seconds. As many are run before, in the same turns. */
const PROFILED_SLICES = 20;

installPeers();
if (args.task !== undefined) await carryOut(JSON.parse(args.task));
else if (args.append !== undefined) await appendAlone(args.append);
else if (args.subscriptions !== undefined) {
  console.log(await measureSubscriptions(Number(args.subscriptions), Number(args["subscriptions-dynamodb"])));
} else if (args.personal) console.log(await measurePersonal());
else if (args.http) console.log(await measureHttp());
else if (args.studio) console.log(await measureStudio());
else if (args.profile !== undefined) await profileWorkloads(args.profile);
else await measureAll(Number(args.rounds));

async function measureAll(rounds: number): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  const engine = await startDynamoDBLocal();
  const accountant = await startDynoxide();
  const measure = async (kind: Kind): Promise<Results> => {
    const results = new Map<string, ReadonlyMap<string, Result>>();
    for (const { name } of chosen(WORKLOADS[kind])) {
      const engines = { engine: engine.endpoint, accountant: accountant.endpoint };
      results.set(name, await measureInOwnProcess({ kind, workload: name, rounds, peers: !args.check, ...engines }));
    }
    return results;
  };
  try {
    const dynamoDB = await measure("dynamoDB");
    const rebuilds = await measure("rebuild");
    const embedded = await measure("embedded");
    if (args.only !== undefined) return;

    const client = engine.client();
    const longStream = await readLongStream(client);
    client.destroy();
    const measured: Measured = { dynamoDB, embedded, longStream, size: await measureSize() };
    const all = budgets(measured);
    console.log(`\n${budgetTable(all)}`);
    if (args.check) process.exitCode = all.every(({ kept }) => kept) ? 0 : 1;
    else inject("results", report(measured, rebuilds, { rounds, loadBefore, engines: [engine.name, accountant.name] }));
  } finally {
    await Promise.all([engine.stop(), accountant.stop()]);
  }
}

/** Profiles the package with its fast path off and on. */
async function profileWorkloads(pattern: string): Promise<void> {
  const workloads = WORKLOADS.dynamoDB.filter(({ name }) => new RegExp(pattern).test(name));
  if (workloads.length === 0) {
    throw new Error(`no workload is called ${pattern}: ${WORKLOADS.dynamoDB.map(({ name }) => name)}`);
  }
  const engine = await startDynamoDBLocal();
  try {
    const shapes = shapesOf(workloads);
    const entries = await dynamoDBEntries(engine.endpoint, { purpose: "profile", units: false, peers: false, shapes });
    const reports: string[] = [];
    for (const workload of workloads) {
      const profilers = new Map([OURS_PLAIN, OURS].map((name) => [name, createProfiler()]));
      for (let slice = -PROFILED_SLICES; slice < PROFILED_SLICES; slice++) {
        for (const [name, profiler] of profilers) {
          const { contender, seeded } = entryNamed(entries, name);
          const calls = await workload.prepare(contender, seeded, workload.calls);
          if (slice >= 0) await profiler.measure(calls);
          else for (const call of calls) await call();
        }
      }
      reports.push(
        profileReport(workload.name, new Map([...profilers].map(([name, profiler]) => [name, profiler.profile()]))),
      );
    }
    console.log(reports.join("\n\n"));
    inject("profile", reports.join("\n\n"));
  } finally {
    await engine.stop();
  }
}

function entryNamed(entries: readonly Entry[], name: string): Entry {
  const entry = entries.find((entry) => entry.name === name);
  if (!entry) throw new Error(`there is no store called ${name}`);
  return entry;
}

function chosen(workloads: readonly Workload[]): readonly Workload[] {
  return workloads.filter(({ name }) => args.only === undefined || new RegExp(args.only).test(name));
}
