/** The hotel's functions of AWS Lambda, bundled as they are deployed, behind a simulated event source mapping. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreams } from "@aws-sdk/client-dynamodb-streams";
import { engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import { build } from "esbuild";
import {
  DynamoDBOpaqueStore,
  DynamoDBStore,
  ensureTables,
  type LambdaEvent,
  type LambdaHandler,
} from "protosource-es/dynamodb";
import { modelRows } from "protosource-es/subscriptions";
import { type MappedRecord, type MappingOptions, runMapping } from "protosource-es/testing/faults";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { bookingCommands } from "../../gen/example/hotel/booking/v1/booking_v1_protosource.js";
import { OccupancyQueries } from "../../gen/example/hotel/occupancy/v1/occupancy_v1_protosource.js";
import { roomCommands } from "../../gen/example/hotel/room/v1/room_v1_protosource.js";
import { bookRoom } from "../../src/book-room.js";
import { type Hotel, openHotel } from "../../src/hotel.js";

const DAYS = ["2026-05-01", "2026-05-02", "2026-05-03"];
const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const folder = mkdtempSync(join(tmpdir(), "hotel-"));
const bundle = join(folder, "lambda.mjs");

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL("../../src/lambda.ts", import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@protosource-es/source"],
    // What the SDK calls `require` for is a part of Node.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(inject("engines"))("the hotel on $name", ({ endpoint }) => {
  const names = {
    eventsTable: `events-${randomUUID()}`,
    aggregatesTable: `aggregates-${randomUUID()}`,
    feedsTable: `feeds-${randomUUID()}`,
  };
  /** What the mail service has taken, by the keys that it knows a mail by. */
  const mails = new Map<string, string>();
  let mailService: Server;
  let client: DynamoDBClient;
  let streams: DynamoDBStreams;
  let opaqueStore: DynamoDBOpaqueStore;
  let hotel: Hotel;
  let functions: { readonly handler: LambdaHandler; readonly catchUp: () => Promise<void> };

  beforeAll(async () => {
    mailService = createServer(async (request, response) => {
      mails.set(String(request.headers["idempotency-key"]), await text(request));
      response.writeHead(202).end();
    }).listen(0, "127.0.0.1");
    await once(mailService, "listening");
    client = engineClient(endpoint);
    streams = new DynamoDBStreams({ endpoint, region: "us-east-1", credentials });
    await ensureTables(client, names);
    opaqueStore = new DynamoDBOpaqueStore(client, { table: names.aggregatesTable });
    hotel = openHotel(new DynamoDBStore(client, { ...names, opaqueStore }));

    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", endpoint);
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
    vi.stubEnv("EVENTS_TABLE", names.eventsTable);
    vi.stubEnv("AGGREGATES_TABLE", names.aggregatesTable);
    vi.stubEnv("FEEDS_TABLE", names.feedsTable);
    vi.stubEnv("MAIL_URL", `http://127.0.0.1:${(mailService.address() as AddressInfo).port}`);
    // Each engine gets a function of its own.
    functions = await import(`${bundle}?${randomUUID()}`);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    client.destroy();
    streams.destroy();
    mailService.close();
    mailService.closeAllConnections();
    await once(mailService, "close");
  });

  /** Reads all that the stream of the events table holds. */
  async function changes(): Promise<MappedRecord[]> {
    const { Streams: [stream] = [] } = await streams.listStreams({ TableName: names.eventsTable });
    const StreamArn = stream?.StreamArn;
    const { StreamDescription } = await streams.describeStream({ StreamArn });
    const records: MappedRecord[] = [];
    for (const { ShardId } of StreamDescription?.Shards ?? []) {
      const place = { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
      const { ShardIterator } = await streams.getShardIterator(place);
      const { Records = [] } = await streams.getRecords({ ShardIterator });
      records.push(...Records);
    }
    return records;
  }

  const map = async (options: MappingOptions): Promise<void> => {
    const call = (event: object) => functions.handler(event as LambdaEvent, { getRemainingTimeInMillis: () => 60_000 });
    const { discarded } = await runMapping(await changes(), call, { maximumRetryAttempts: 10, ...options });
    expect(discarded).toEqual([]);
  };

  it("has each booking counted and mailed once, in lanes, in disorder and again", async () => {
    const by = { actor: "ann" };
    for (const id of ["101", "102", "103"]) await hotel.rooms.apply(roomCommands.Open({}), { id, ...by });
    for (const roomId of ["101", "102", "103"]) {
      await bookRoom(hotel, { id: `b-${roomId}`, roomId, days: DAYS, email: "ann@example.com" });
    }
    await hotel.bookings.apply(bookingCommands.Pay({}), { id: "b-101", ...by });
    await hotel.bookings.apply(bookingCommands.Cancel({}), { id: "b-102", ...by });

    await map({ seed: 1, lanes: 3, batchSize: 2, shuffled: 0.5, redelivered: 0.5 });
    // The room is given back by the process, whose events ring too.
    await map({ seed: 2 });

    const occupancy = new OccupancyQueries(modelRows(opaqueStore, "occupancy@1"));
    const { items } = await occupancy.selectByMonth("2026-05");
    expect(items).toMatchObject(DAYS.map((day) => ({ day, booked: 2, paid: 1 })));
    expect([...mails.keys()].toSorted()).toEqual(
      ["101", "102", "103"].map((roomId) => `example_hotel_booking_v1#b-${roomId}:1`),
    );
    expect((await hotel.rooms.load("102")).stays).toEqual({});
  });

  it("finds by a scan what no mapping brought", async () => {
    await bookRoom(hotel, { id: "b-4", roomId: "102", days: ["2026-06-01"], email: "ann@example.com" });
    await functions.catchUp();
    const { items } = await new OccupancyQueries(modelRows(opaqueStore, "occupancy@1")).selectByMonth("2026-06");
    expect(items).toMatchObject([{ day: "2026-06-01", booked: 1 }]);
    expect(mails.size).toBe(4);
  });
});
