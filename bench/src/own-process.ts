/** Measures each workload in a process of its own, so that it doesn't pay for garbage that another has left. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Result, run } from "./results.js";
import { dynamoDBEntries, embeddedEntries, rebuildEntries } from "./stores.js";
import { type Kind, shapesOf, WORKLOADS, type Workload } from "./workloads.js";

/** What a process is to measure. */
export interface Task {
  readonly kind: Kind;
  readonly workload: string;
  readonly rounds: number;
  readonly peers: boolean;
  /** The address of the engine that takes part in the time. */
  readonly engine: string;
  /** The address of the engine that reports capacity units. */
  readonly accountant: string;
}

/** Starts a process for a workload, and gives what each store's calls cost. The process is given its task by `--task`. */
export function measureInOwnProcess(task: Task): Promise<ReadonlyMap<string, Result>> {
  return new Promise((resolve, reject) => {
    let results: ReadonlyMap<string, Result> | undefined;
    const bench = fileURLToPath(import.meta.url);
    fork(bench, ["--task", JSON.stringify(task)], { serialization: "advanced" })
      .on("message", (message) => {
        results = message as ReadonlyMap<string, Result>;
      })
      .on("error", reject)
      .on("exit", (code) => {
        if (code === 0 && results) resolve(results);
        else reject(new Error(`the process that measured ${task.workload} ended with ${code}`));
      });
  });
}

/** Measures, and sends the results to the process that started this one. */
export async function carryOut(task: Task): Promise<void> {
  const workload = WORKLOADS[task.kind].find(({ name }) => name === task.workload);
  if (!workload) throw new Error(`no workload is called ${task.workload}`);
  process.send?.(await measure(workload, task));
  process.disconnect();
}

async function measure(
  workload: Workload,
  { kind, rounds, peers, engine, accountant }: Task,
): Promise<ReadonlyMap<string, Result>> {
  const shapes = shapesOf([workload]);
  if (kind === "embedded") {
    const { entries, close } = await embeddedEntries(shapes);
    try {
      return await run(workload, entries, { rounds });
    } finally {
      close();
    }
  }
  const selection = { purpose: workload.name, peers, shapes };
  const entriesOn = kind === "rebuild" ? rebuildEntries : dynamoDBEntries;
  const entries = await entriesOn(engine, { ...selection, units: false });
  const accounting = await entriesOn(accountant, { ...selection, units: true });
  return run(workload, entries, { rounds, accounting });
}
