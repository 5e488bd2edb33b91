import type { TableFindings } from "../health-contract.js";
import type { Route } from "../studio.js";

/** `tables`: what is wrong with the tables; nothing where there are none. */
export const tables: Route = async ({ checkTables }, _, signal): Promise<TableFindings> => ({
  findings: (await checkTables?.(signal)) ?? [],
});
