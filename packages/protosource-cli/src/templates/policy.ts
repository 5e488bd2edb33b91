import type { DynamoDBLocation } from "../store-url.js";

/** Who needs permissions: a service that applies commands, one that only reads, or this command itself. */
export type Role = "writer" | "reader" | "operator";

export const ROLES: readonly Role[] = ["writer", "reader", "operator"];

/** Where the tables are. `*` for any. */
export interface Account {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

interface Actions {
  readonly events: readonly string[];
  readonly aggregates: readonly string[];
  readonly indexes: readonly string[];
}

/** TransactWriteItems has no permission of its own: it needs that of each of its writes. */
const ACTIONS: Readonly<Record<Role, Actions>> = {
  writer: {
    // A save whose answer was lost is looked up by GetItem, and streams are checked by ConditionCheckItem.
    events: ["ConditionCheckItem", "GetItem", "PutItem", "Query"],
    aggregates: ["DeleteItem", "GetItem", "PutItem", "Query"],
    indexes: ["Query"],
  },
  reader: { events: ["Query"], aggregates: ["GetItem", "Query"], indexes: ["Query"] },
  operator: {
    // A repair deletes events, and checks that nobody appends meanwhile.
    events: [
      "ConditionCheckItem",
      "DeleteItem",
      "DescribeContinuousBackups",
      "DescribeTable",
      "DescribeTimeToLive",
      "GetItem",
      "PutItem",
      "Query",
      "Scan",
    ],
    aggregates: [
      "DeleteItem",
      "DescribeContinuousBackups",
      "DescribeTable",
      "DescribeTimeToLive",
      "GetItem",
      "PutItem",
      "Query",
      "Scan",
    ],
    indexes: ["Query"],
  },
};

/** Gives the IAM policy of a role, as JSON: what its calls need, on these tables, and nothing else. */
export function iamPolicy(role: Role, location: DynamoDBLocation, { partition, region, account }: Account): string {
  const arn = (table: string): string => `arn:${partition}:dynamodb:${region}:${account}:table/${table}`;
  const { events, aggregates, indexes } = ACTIONS[role];
  const statement = (Sid: string, actions: readonly string[], Resource: string): object => ({
    Sid,
    Effect: "Allow",
    Action: actions.map((action) => `dynamodb:${action}`),
    Resource,
  });
  const policy = {
    Version: "2012-10-17",
    Statement: [
      statement("Events", events, arn(location.eventsTable)),
      statement("Aggregates", aggregates, arn(location.aggregatesTable)),
      statement("AggregatesIndexes", indexes, `${arn(location.aggregatesTable)}/index/*`),
    ],
  };
  return JSON.stringify(policy, undefined, 2);
}
