import type { DynamoDBLocation } from "../store-url.js";

/**
 * Who needs permissions: a service that applies commands; one that only reads; a function that an event source mapping
 * calls; a process that follows the stream itself, and catches up; or this command.
 */
export type Role = "writer" | "reader" | "consumer" | "worker" | "operator";

export const ROLES: readonly Role[] = ["writer", "reader", "consumer", "worker", "operator"];

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
  /** On the events table's stream. */
  readonly stream?: readonly string[];
  readonly feeds?: readonly string[];
  readonly keys: readonly string[];
}

/** TransactWriteItems has no permission of its own: it needs that of each of its writes. */
const WRITER: Actions = {
  // A save whose answer was lost is looked up by GetItem, and streams are checked by ConditionCheckItem.
  events: ["ConditionCheckItem", "GetItem", "PutItem", "Query"],
  aggregates: ["DeleteItem", "GetItem", "PutItem", "Query"],
  indexes: ["Query"],
  keys: ["GetItem", "PutItem"],
};

/** A mapping reads the stream with its function's permissions. A process manager appends to streams, as a writer does. */
const CONSUMER: Actions = {
  ...WRITER,
  stream: ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"],
  feeds: ["DeleteItem", "GetItem", "PutItem", "Query"],
};

const DESCRIBE = ["DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive"];

/** What `tables ensure` takes, with and without `--repair`. */
const ENSURE = ["CreateTable", ...DESCRIBE, "UpdateContinuousBackups", "UpdateTable", "UpdateTimeToLive"];

const OPERATOR: Actions = {
  // A repair deletes events, and checks that nobody appends meanwhile.
  events: ["ConditionCheckItem", "DeleteItem", ...ENSURE, "GetItem", "PutItem", "Query", "Scan"].toSorted(),
  aggregates: ["DeleteItem", ...ENSURE, "GetItem", "PutItem", "Query", "Scan"].toSorted(),
  indexes: ["Query"],
  keys: [...ENSURE, "GetItem", "PutItem"].toSorted(),
};

const ROLES_ACTIONS: Readonly<Record<Role, Actions>> = {
  writer: WRITER,
  reader: { events: ["Query"], aggregates: ["GetItem", "Query"], indexes: ["Query"], keys: ["GetItem"] },
  consumer: CONSUMER,
  worker: { ...CONSUMER, events: [...WRITER.events, "Scan"] },
  operator: OPERATOR,
};

/** Gives the IAM policy of a role, as JSON: what its calls need, on these tables, and nothing else. */
export function iamPolicy(role: Role, location: DynamoDBLocation, { partition, region, account }: Account): string {
  const arn = (table: string): string => `arn:${partition}:dynamodb:${region}:${account}:table/${table}`;
  const { events, aggregates, indexes, stream, feeds, keys } = actionsOf(role, location);
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
      ...(stream ? [statement("EventsStream", stream, `${arn(location.eventsTable)}/stream/*`)] : []),
      ...(feeds ? [statement("Feeds", feeds, arn(location.feedsTable ?? "feeds"))] : []),
      ...(location.keysTable === undefined ? [] : [statement("Keys", keys, arn(location.keysTable))]),
    ],
  };
  return JSON.stringify(policy, undefined, 2);
}

/** An operator of a store that has subscriptions looks after them too. */
function actionsOf(role: Role, { feedsTable }: DynamoDBLocation): Actions {
  const actions = ROLES_ACTIONS[role];
  if (role !== "operator" || feedsTable === undefined) return actions;
  return { ...actions, feeds: [...(CONSUMER.feeds ?? []), ...ENSURE, "Scan"].toSorted() };
}
