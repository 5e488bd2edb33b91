/**
 * What events cause in the hotel, as functions of AWS Lambda: on the tables that EVENTS_TABLE, AGGREGATES_TABLE and
 * FEEDS_TABLE name, with the mail service at MAIL_URL.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBOpaqueStore, DynamoDBStore, type LambdaHandler, lambdaHandler } from "protosource-es/dynamodb";
import { Subscriptions } from "protosource-es/subscriptions";
import { confirmation } from "./confirmation.js";
import { openHotel } from "./hotel.js";
import { mailService } from "./mail.js";
import { occupancy } from "./occupancy.js";
import { payment } from "./payment.js";

const { EVENTS_TABLE: eventsTable, AGGREGATES_TABLE: table, FEEDS_TABLE: feedsTable, MAIL_URL = "" } = process.env;

const client = new DynamoDBClient({});
const opaqueStore = new DynamoDBOpaqueStore(client, { table });
const store = new DynamoDBStore(client, { eventsTable, feedsTable, opaqueStore });
const all = [occupancy, confirmation(mailService(MAIL_URL)), payment(openHotel(store))];
const subscriptions = new Subscriptions({ store, all });

/** Is called by the event source mapping of the events table's stream. */
export const handler: LambdaHandler = lambdaHandler(subscriptions);

/** Is called by a schedule, once a minute. */
export async function fireTimers(): Promise<void> {
  await subscriptions.fireTimers();
}

/** Is called by a schedule, once a day: it finds what rang for nobody, because a function didn't work for a day. */
export async function catchUp(): Promise<void> {
  await subscriptions.catchUp();
}
