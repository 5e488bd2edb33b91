/** Exports that the command line makes while the workers of a soak write: each save is in one whole, or not at all. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Entry } from "./journal.js";

const PROGRAM = fileURLToPath(new URL("../../../protosource-cli/src/main.ts", import.meta.url));

/** How many records one transaction of a long save has. */
const TRANSACTION_RECORDS = 100;

/** Exports the tables into a file. Gives whether it says that it is complete; a store that was out of reach ends it. */
export async function exportTables(
  endpoint: string,
  tables: { readonly eventsTable: string; readonly aggregatesTable: string },
  file: string,
): Promise<boolean> {
  const { eventsTable, aggregatesTable } = tables;
  const query = new URLSearchParams({
    endpoint,
    region: "us-east-1",
    events: eventsTable,
    aggregates: aggregatesTable,
  });
  const options = ["--conditions=@protosource-es/source", "--import=tsx"];
  const child = spawn(process.execPath, [...options, PROGRAM, "export", "--store", `dynamodb:?${query}`, "-o", file], {
    env: { ...process.env, AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" },
    stdio: "ignore",
  });
  const [code] = (await once(child, "close")) as [number | null];
  return code === 0;
}

/** Names what is wrong with an export: a gap in a stream, or a part of a save. */
export function findWrongExport(file: string, entries: readonly Entry[]): string[] {
  if (!existsSync(file)) return [`there is no export ${file}`];
  const problems: string[] = [];
  const counts = new Map(entries.flatMap((entry) => (entry.kind === "begun" ? [[entry.write, entry.events]] : [])));
  const found = new Map<string, { readonly stream: string; readonly write: string; count: number }>();
  const ends = new Map<string, number>();
  for (const line of readFileSync(file, "utf8").split("\n").slice(1, -2)) {
    const { event } = JSON.parse(line) as { event?: { stream: string; version: string; data: string } };
    if (!event?.stream.startsWith("soak_v1#")) continue;
    const { stream, version, data } = event;
    const end = (ends.get(stream) ?? 0) + 1;
    ends.set(stream, end);
    if (Number(version) !== end) problems.push(`the export has version ${version} of ${stream} where ${end} should be`);
    const { write } = JSON.parse(Buffer.from(data, "base64").toString()) as { write: string };
    const key = `${write} ${stream}`;
    const known = found.get(key) ?? { stream, write, count: 0 };
    known.count++;
    found.set(key, known);
  }
  for (const { stream, write, count } of found.values()) {
    const whole = (counts.get(write) as Readonly<Record<string, number>> | undefined)?.[stream];
    const isTransaction = count === TRANSACTION_RECORDS && Number(whole) > TRANSACTION_RECORDS;
    if (count !== whole && !isTransaction) problems.push(`the export has ${count} of ${whole} records of ${write}`);
  }
  return problems;
}
