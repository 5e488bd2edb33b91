/** Sessions as a function of AWS Lambda behind an API Gateway or a function URL, which authenticates and says `x-user`. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type HttpLambdaHandler, httpLambdaHandler } from "protosource-es/lambda";
import { sessionApi } from "./api.js";
import { sessionAggregate } from "./session.js";
import { sessionsOnDynamoDB } from "./stores.js";

const { EVENTS_TABLE: eventsTable = "events", AGGREGATES_TABLE: aggregatesTable = "aggregates" } = process.env;

const session = sessionAggregate({
  isBanned: async () => false,
  // An example has no authenticator: this code is everybody's.
  isCodeOf: async (_userId, code) => code === "123456",
});

export const handler: HttpLambdaHandler = httpLambdaHandler(
  sessionApi(sessionsOnDynamoDB(session, new DynamoDBClient({}), { eventsTable, aggregatesTable })),
);
