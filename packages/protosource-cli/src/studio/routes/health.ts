import type { HealthPlan } from "../health-contract.js";
import type { Route } from "../studio.js";

/** `health`: what can be looked at, and what that costs; it looks at nothing yet. */
export const health: Route = async ({ name, checkTables, estimate }): Promise<HealthPlan> => {
  const records = (await estimate?.())?.records;
  return {
    tables: checkTables !== undefined,
    ...(records === undefined ? {} : { records }),
    ...(name?.kind === "dynamodb" ? { charged: CHARGED } : {}),
  };
};

const CHARGED: NonNullable<HealthPlan["charged"]> = {
  stream: "One stream is read by Query, which the reader's policy allows: a read unit for each 8 KB of it, and twice.",
  all: "All streams are read by Scan: half a read unit for each 4 KB of the whole table. The reader's policy doesn't allow it; that of the operator does.",
  tables:
    "Tables are compared by DescribeTable and its like, which cost nothing. The reader's policy doesn't allow them; that of the operator does.",
};
