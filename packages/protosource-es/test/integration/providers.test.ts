/** The provider set, in a NestJS application context and by hand. */
import "reflect-metadata";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import type { DynamicModule, Provider as NestProvider } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  AGGREGATE_STORE,
  OPAQUE_STORE,
  type Provider,
  type ProviderToken,
  SNAPSHOT_TAIL_STORE,
  STORE,
  type Store,
} from "protosource-es";
import {
  AGGREGATES_TABLE_NAME,
  createProviderSet,
  DYNAMODB_CLIENT,
  DynamoDBOpaqueStore,
  DynamoDBStore,
  EVENTS_TABLE_NAME,
  ensureTables,
  type ObservedRequest,
  provideOpaqueStore,
  providerSet,
  provideStore,
} from "protosource-es/dynamodb";
import { OpaqueDataSchema, StoredRecordSchema } from "protosource-es/proto";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines, freshTables } from "../engines.js";

class AppModule {}

/** The shortest container: what `providerSet` is made for, without a framework. */
function resolve(providers: readonly Provider[], values: Map<ProviderToken, unknown>, token: ProviderToken): unknown {
  if (values.has(token)) return values.get(token);
  const provider = providers.find(({ provide }) => provide === token);
  if (!provider) throw new Error(`nobody provides ${String(token)}`);
  const value =
    "useExisting" in provider
      ? resolve(providers, values, provider.useExisting)
      : (provider.useFactory as (...args: unknown[]) => unknown)(
          ...provider.inject.map((inner) => resolve(providers, values, inner)),
        );
  values.set(token, value);
  return value;
}

describe.each(engines)("providers on $name", (engine) => {
  const names = freshTables();
  let client: DynamoDBClient;
  beforeAll(async () => {
    client = engine.client();
    await ensureTables(client, names);
  });
  afterAll(() => client.destroy());

  const check = async (get: (token: ProviderToken) => unknown, id: string): Promise<void> => {
    const store = get(STORE);
    expect(store).toBeInstanceOf(DynamoDBStore);
    expect(get(SNAPSHOT_TAIL_STORE)).toBe(store);
    expect(get(AGGREGATE_STORE)).toBe(store);
    expect(get(OPAQUE_STORE)).toBeInstanceOf(DynamoDBOpaqueStore);
    await (store as Store).save(id, [create(StoredRecordSchema, { version: 1n })]);
    expect((await (store as Store).load(id)).records.length).toBe(1);
  };

  it("are taken by NestJS as they are", async () => {
    const providers: NestProvider[] = [
      { provide: DYNAMODB_CLIENT, useValue: client },
      { provide: EVENTS_TABLE_NAME, useValue: names.eventsTable },
      { provide: AGGREGATES_TABLE_NAME, useValue: names.aggregatesTable },
      ...providerSet,
    ];
    const module: DynamicModule = { module: AppModule, providers };
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    await check((token) => app.get(token), "nest");
    await app.close();
  });

  it("can be resolved by hand", async () => {
    const values = new Map<ProviderToken, unknown>([
      [DYNAMODB_CLIENT, client],
      [EVENTS_TABLE_NAME, names.eventsTable],
      [AGGREGATES_TABLE_NAME, names.aggregatesTable],
    ]);
    await check((token) => resolve(providerSet, values, token), "hand");
  });

  it("give both stores their options", async () => {
    const seen: ObservedRequest[] = [];
    const clock = new FakeClock();
    const values = new Map<ProviderToken, unknown>([
      [DYNAMODB_CLIENT, client],
      [EVENTS_TABLE_NAME, names.eventsTable],
      [AGGREGATES_TABLE_NAME, names.aggregatesTable],
    ]);
    const providers = createProviderSet({ onRequest: (request) => seen.push(request), clock });
    const store = resolve(providers, values, STORE) as DynamoDBStore;
    const row = create(OpaqueDataSchema, { pk: "options", sk: "AGG", t: clock.now() / 1_000_000n + 10n });
    await store.opaqueStore?.put(row);
    await store.load("options");
    expect(seen.map(({ operation }) => operation)).toEqual(["PutItem", "Query"]);
    clock.advanceSeconds(11);
    expect(await store.opaqueStore?.get(row)).toBeUndefined();
    expect(store.opaqueStore).toBe(resolve(providers, values, OPAQUE_STORE));
  });

  it("are plain functions too", async () => {
    const store = provideStore(client, provideOpaqueStore(client, names.aggregatesTable), names.eventsTable);
    await store.save("function", [create(StoredRecordSchema, { version: 1n })]);
    expect((await store.load("function")).records.length).toBe(1);
  });
});
