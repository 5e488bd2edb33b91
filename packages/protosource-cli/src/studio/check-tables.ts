/** Comparing tables with what they should be, for the page. */
import type { TableReport } from "protosource-es/dynamodb";
import { commandLine } from "../command-line.js";
import { integrityProblems } from "../integrity.js";
import { openClient } from "../open-store.js";
import { type DynamoDBLocation, type StoreLocation, storeUrl } from "../store-url.js";
import type { TableFinding } from "./health-contract.js";

/** Looks at the tables of a store, and gives what is wrong with them. Price on DynamoDB: nothing. */
export async function findInTables(location: StoreLocation, signal: AbortSignal): Promise<readonly TableFinding[]> {
  if (location.kind === "dynamodb") return findInDynamoDB(location, signal);
  const { path } = location;
  return (await integrityProblems(path)).map((problem) => ({
    table: path,
    message: `${problem}: bring back a backup, or keep what can be read by an export`,
    severity: "error",
    line: commandLine(["export", "--store", storeUrl(location)]),
  }));
}

async function findInDynamoDB(location: DynamoDBLocation, signal: AbortSignal): Promise<readonly TableFinding[]> {
  const client = await openClient(location);
  try {
    const { checkTables } = await import("protosource-es/dynamodb");
    const { events, aggregates, feeds, keys } = await checkTables(client, location, { signal });
    const { eventsTable, aggregatesTable, feedsTable, keysTable } = location;
    const tables = [
      ...[[eventsTable, events] as const, [aggregatesTable, aggregates] as const],
      ...(feedsTable === undefined ? [] : [[feedsTable, feeds] as const]),
      ...(keysTable === undefined ? [] : [[keysTable, keys] as const]),
    ];
    return tables.flatMap(([table, report]) => findingsOf(location, table, report));
  } finally {
    client.destroy();
  }
}

function findingsOf(
  location: DynamoDBLocation,
  table: string,
  report: TableReport | undefined,
): readonly TableFinding[] {
  const ensure = ["tables", "ensure", "--store", storeUrl(location)];
  if (report === undefined) {
    return [{ table, message: "the table is missing", severity: "error", line: commandLine(ensure) }];
  }
  return [
    ...report.different.map(({ setting, found, expected, advice }) => ({
      table,
      message: `${setting}: ${found}; expected ${expected}${advice === undefined ? "" : `. ${advice}`}`,
      severity: "error" as const,
      line: commandLine([...ensure, "--repair"]),
    })),
    ...report.unknown.map(({ setting, reason }) => ({
      table,
      message: `${setting}: can't be read: ${reason}`,
      severity: "warning" as const,
    })),
  ];
}
