import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { CreateTableCommand, type CreateTableCommandInput, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { transformSync } from "esbuild";
import {
  aggregatesTable,
  DynamoDBOpaqueStore,
  DynamoDBStore,
  dynamoDBKeyStore,
  eventsTable,
  feedsTable,
  keysTable,
} from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../cli.js";
import { engines, freshTables, type TestTables, temporaryFolder } from "../engines.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const STORE = "dynamodb:?region=eu-west-1&events=orders-events&aggregates=orders-rows";
const EXPECTED = [eventsTable("orders-events"), aggregatesTable("orders-rows")];

/** What `tables ensure` calls, with and without `--repair`. */
const ENSURE = [
  "CreateTable",
  "DescribeContinuousBackups",
  "DescribeTable",
  "DescribeTimeToLive",
  "UpdateContinuousBackups",
  "UpdateTable",
  "UpdateTimeToLive",
].map((operation) => `dynamodb:${operation}`);

const SUBSCRIBED = `${STORE}&feeds=orders-feeds`;
const EXPECTED_SUBSCRIBED = [
  eventsTable("orders-events", { stream: true }),
  aggregatesTable("orders-rows"),
  feedsTable("orders-feeds"),
];
const SEALED = `${STORE}&keys=orders-keys`;
const EXPECTED_SEALED = [...EXPECTED, keysTable("orders-keys")];
const STORES = [
  [STORE, EXPECTED],
  [SUBSCRIBED, EXPECTED_SUBSCRIBED],
  [SEALED, EXPECTED_SEALED],
] as const;

/** What a table has besides its keys: the one of keys forgets nothing by itself, and can't be restored. */
function settingsOf(name: unknown): { readonly ttl: string | undefined; readonly recovery: boolean } {
  return name === "orders-keys" ? { ttl: undefined, recovery: false } : { ttl: "t", recovery: true };
}

/** Brings what doesn't matter into one order. */
function sorted(input: CreateTableCommandInput): CreateTableCommandInput {
  const byJson = <T>(items: readonly T[] | undefined): T[] | undefined =>
    items?.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return {
    ...input,
    AttributeDefinitions: byJson(input.AttributeDefinitions),
    GlobalSecondaryIndexes: byJson(input.GlobalSecondaryIndexes),
  };
}

describe.each(engines)("tables ensure and check on $name", ({ endpoint }) => {
  let tables: TestTables;
  beforeAll(async () => {
    tables = await freshTables(endpoint, { create: false });
  });
  afterAll(() => tables.client.destroy());

  it("says what is missing, makes it, and then finds nothing to do", async () => {
    const before = await runCli(["tables", "check", "--store", tables.url]);
    expect(before.code).toBe(4);
    expect(before.stdout).toBe(`${tables.eventsTable}: missing\n${tables.aggregatesTable}: missing\n`);

    const made = await runCli(["tables", "ensure", "--store", tables.url]);
    expect(made.code).toBe(0);
    expect(made.stdout).toBe(`${tables.eventsTable}: created\n${tables.aggregatesTable}: created\n`);
    // Neither engine has backups.
    expect(made.stderr).toContain("recovery: can't be read");
    // The code of an error is for programs.
    expect(made.stderr).not.toMatch(/\[\w+\]/);

    const human = await runCli(["tables", "check", "--store", tables.url]);
    expect(human.stdout).toContain(`${tables.eventsTable}: as it should be, as far as it can be read\n`);
    const after = await runCli(["tables", "check", "--store", tables.url, "--json"]);
    expect(after.code).toBe(0);
    expect(after.json()).toMatchObject([
      { exists: true, table: tables.eventsTable, different: [] },
      { exists: true, table: tables.aggregatesTable, different: [] },
    ]);
  });

  it("says each difference, and mends it when told", async () => {
    const { client, eventsTable: TableName } = tables;
    await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
    const check = await runCli(["tables", "check", "--store", tables.url]);
    expect(check.code).toBe(3);
    expect(check.stdout).toContain("  protection: off; expected on\n");
    expect((await runCli(["tables", "ensure", "--store", tables.url])).code).toBe(3);
    const repaired = await runCli(["tables", "ensure", "--repair", "--store", tables.url]);
    expect(repaired.code).toBe(0);
    expect(repaired.stdout).toContain("  protection: repaired\n");
    expect((await runCli(["tables", "check", "--store", tables.url])).code).toBe(0);
  });
});

describe.each(engines)("tables ensure and check of a store with subscriptions on $name", ({ endpoint }) => {
  let tables: TestTables;
  beforeAll(async () => {
    tables = await freshTables(endpoint);
  });
  afterAll(() => tables.client.destroy());

  it("says that the stream is off and the feeds table missing, with what to do, and makes both", async () => {
    const feeds = tables.eventsTable.replace("events", "feeds");
    const store = `${tables.url}&feeds=${feeds}`;
    const before = await runCli(["tables", "check", "--store", store]);
    expect(before.code).toBe(4);
    expect(before.stdout).toMatch(/ {2}stream: off; expected NEW_IMAGE\n {4}\w+/);
    expect(before.stdout).toContain(`${feeds}: missing\n`);

    const made = await runCli(["tables", "ensure", "--repair", "--store", store]);
    expect(made.code).toBe(0);
    expect(made.stdout).toContain("  stream: repaired\n");
    expect(made.stdout).toContain(`${feeds}: created\n`);
    expect((await runCli(["tables", "check", "--store", store])).code).toBe(0);
  });
});

describe.each(engines)("tables ensure and check of a store with keys of persons on $name", ({ endpoint }) => {
  let tables: TestTables;
  beforeAll(async () => {
    tables = await freshTables(endpoint);
  });
  afterAll(() => tables.client.destroy());

  it("says that their table is missing, and makes it, so that subjects are forgotten in it", async () => {
    const keys = tables.eventsTable.replace("events", "keys");
    const store = `${tables.url}&keys=${keys}`;
    const before = await runCli(["tables", "check", "--store", store]);
    expect(before).toMatchObject({ code: 4, stdout: expect.stringContaining(`${keys}: missing\n`) });
    const made = await runCli(["tables", "ensure", "--store", store]);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining(`${keys}: created\n`) });
    const after = await runCli(["tables", "check", "--store", store, "--json"]);
    expect(after.code).toBe(0);
    expect(after.json()).toContainEqual(expect.objectContaining({ exists: true, table: keys, different: [] }));

    await dynamoDBKeyStore(tables.client, { table: keys }).current("c-9");
    const forgotten = await runCli(["subjects", "forget", "c-9", "--keys", store, "--json"]);
    expect(forgotten.json()).toMatchObject([{ subject: "c-9", hasKey: false, erasedKeys: 1 }]);
  });
});

describe("tables ensure and check on a file", () => {
  it("makes the file, and has SQLite look through it", async () => {
    const store = `sqlite:${folder.path("new.db")}`;
    expect((await runCli(["tables", "check", "--store", store])).code).toBe(4);
    expect((await runCli(["tables", "ensure", "--store", store])).code).toBe(0);
    const { code, json } = await runCli(["tables", "check", "--store", store, "--json"]);
    expect({ code, found: json() }).toEqual({ code: 0, found: [{ file: folder.path("new.db"), problems: [] }] });
  });
});

describe("tables template", () => {
  const template = async (format: string, store: string): Promise<string> => {
    const { code, stdout } = await runCli(["tables", "template", "--format", format, "--store", store]);
    expect(code).toBe(0);
    return stdout;
  };

  interface CloudFormation {
    readonly Parameters?: Record<string, { readonly Type: string }>;
    readonly Resources: Record<string, { Type: string; DeletionPolicy: string; Properties: Record<string, unknown> }>;
  }

  /** The alarms of {@link SUBSCRIBED}, whatever the format. */
  const ALARMS = [
    ["IteratorAge", 3_600_000],
    ["protosource.subscriptions.parked", 0],
    ["protosource.subscriptions.behind", 0],
  ] as const;

  it.each(STORES)(
    "prints CloudFormation of the tables that ensureTables makes, which an engine takes: %s",
    async (store, expected) => {
      const { Resources } = JSON.parse(await template("cloudformation", store)) as CloudFormation;
      const tablesOf = Object.values(Resources).filter(({ Type }) => Type === "AWS::DynamoDB::Table");
      const inputs = tablesOf.map(({ DeletionPolicy, Properties }) => {
        expect(DeletionPolicy).toBe("Retain");
        const { TimeToLiveSpecification, PointInTimeRecoverySpecification, StreamSpecification, ...input } = Properties;
        const { ttl, recovery } = settingsOf(Properties["TableName"]);
        expect(TimeToLiveSpecification).toEqual(ttl && { AttributeName: ttl, Enabled: true });
        expect(PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: recovery });
        // CloudFormation has no StreamEnabled: a stream is on by its view type.
        const stream = StreamSpecification && { StreamSpecification: { StreamEnabled: true, ...StreamSpecification } };
        return { ...input, ...(stream as object) } as unknown as CreateTableCommandInput;
      });
      expect(inputs).toEqual(expected);

      const [{ endpoint } = { endpoint: "" }] = engines;
      const tables = await freshTables(endpoint, { create: false });
      const names = [tables.eventsTable, tables.aggregatesTable];
      for (const [i, input] of inputs.slice(0, 2).entries()) {
        await tables.client.send(new CreateTableCommand({ ...input, TableName: names[i] }));
      }
      const { json } = await runCli(["tables", "check", "--store", tables.url, "--json"]);
      tables.client.destroy();
      for (const report of json())
        expect(report["different"]).toEqual([{ setting: "ttl", expected: "on t", found: "off" }]);
    },
  );

  it("prints alarms with the tables of a store that has subscriptions, as CloudFormation", async () => {
    const plain = JSON.parse(await template("cloudformation", STORE)) as CloudFormation;
    expect(plain.Parameters).toBeUndefined();
    const { Parameters = {}, Resources } = JSON.parse(await template("cloudformation", SUBSCRIBED)) as CloudFormation;
    const alarms = Object.values(Resources).filter(({ Type }) => Type === "AWS::CloudWatch::Alarm");
    expect(alarms.map(({ Properties }) => [Properties["MetricName"], Properties["Threshold"]])).toEqual(ALARMS);
    const used = [...JSON.stringify(alarms).matchAll(/"Ref":"(\w+)"/g)].map((match) => match[1]);
    expect(Object.keys(Parameters).toSorted()).toEqual([...new Set(used)].toSorted());
  });

  it("prints alarms with the tables of a store that has subscriptions, as Terraform", async () => {
    expect(await template("terraform", STORE)).not.toContain("aws_cloudwatch_metric_alarm");
    const text = await template("terraform", SUBSCRIBED);
    const alarms = [...text.matchAll(/metric_name += "([^"]+)"[^}]*?\n {2}threshold += (\d+)\n/g)];
    const [age, ...others] = ALARMS;
    const ageOf = /metric_name += "IteratorAge"\n {2}dimensions += \{ FunctionName = var\.consumer_function \}\n/;
    expect(text).toMatch(ageOf);
    expect(text).toContain(`threshold           = ${age[1]}\n`);
    expect(alarms.map(([, name, threshold]) => [name, Number(threshold)])).toEqual(others);
    const used = new Set([...text.matchAll(/var\.(\w+)/g)].map((match) => match[1]));
    const declared = [...text.matchAll(/^variable "(\w+)"/gm)].map((match) => match[1]);
    expect(declared.toSorted()).toEqual([...used].toSorted());
  });

  it.each(STORES)("prints Terraform of the same tables: %s", async (store, expected) => {
    const text = await template("terraform", store);
    const resources = text
      .split(/^(?=resource |variable )/m)
      .filter((one) => one.startsWith('resource "aws_dynamodb_table"'));
    const inputs = resources.map((resource): CreateTableCommandInput => {
      const value = (body: string, name: string): string | undefined =>
        new RegExp(`^ *${name} += "?([^"\\n]+?)"?$`, "m").exec(body)?.[1];
      const blocks = (name: string): string[] =>
        [...resource.matchAll(new RegExp(`^  ${name} \\{\\n([^}]*)\\}`, "gm"))].map((match) => match[1] ?? "");
      const keySchema = (body: string): NonNullable<CreateTableCommandInput["KeySchema"]> => [
        { AttributeName: value(body, "hash_key"), KeyType: "HASH" },
        ...(body.includes("range_key") ? [{ AttributeName: value(body, "range_key"), KeyType: "RANGE" as const }] : []),
      ];
      const { ttl, recovery } = settingsOf(value(resource, "name"));
      expect(blocks("ttl").map((body) => value(body, "attribute_name"))).toEqual(ttl ? [ttl] : []);
      for (const body of blocks("ttl")) expect(value(body, "enabled")).toBe("true");
      expect(blocks("point_in_time_recovery").map((body) => value(body, "enabled"))).toEqual([String(recovery)]);
      expect(blocks("lifecycle")).toEqual([expect.stringContaining("prevent_destroy = true")]);
      const indexes = blocks("global_secondary_index").map((body) => ({
        IndexName: value(body, "name"),
        KeySchema: keySchema(body),
        Projection: { ProjectionType: value(body, "projection_type") as "ALL" },
      }));
      return {
        TableName: value(resource, "name"),
        BillingMode: value(resource, "billing_mode") as "PAY_PER_REQUEST",
        DeletionProtectionEnabled: value(resource, "deletion_protection_enabled") === "true",
        KeySchema: keySchema(resource),
        AttributeDefinitions: blocks("attribute").map((body) => ({
          AttributeName: value(body, "name"),
          AttributeType: value(body, "type") as "S",
        })),
        ...(indexes.length > 0 ? { GlobalSecondaryIndexes: indexes } : {}),
        ...(value(resource, "stream_enabled") === "true" && {
          StreamSpecification: {
            StreamEnabled: true,
            StreamViewType: value(resource, "stream_view_type") as "NEW_IMAGE",
          },
        }),
      };
    });
    expect(inputs.map(sorted)).toEqual(expected.map(sorted));
  });

  it.each(STORES)("prints CDK constructs of the same tables and the alarms, which run: %s", async (store, expected) => {
    const stubs: Readonly<Record<string, string>> = {
      "aws-cdk-lib": `
        export const RemovalPolicy = { RETAIN: "retain" };
        export const Duration = { seconds: (count) => count };`,
      "aws-cdk-lib/aws-cloudwatch": `
        const names = { get: (_, name) => name };
        export const ComparisonOperator = new Proxy({}, names);
        export const TreatMissingData = new Proxy({}, names);
        export const alarms = [];
        export class Metric {
          constructor({ metricName }) { this.metricName = metricName; }
          createAlarm(scope, id, { threshold }) {
            alarms.push([this.metricName, threshold]);
            return { addAlarmAction() {} };
          }
        }`,
      "aws-cdk-lib/aws-cloudwatch-actions": "export class SnsAction {}",
      "aws-cdk-lib/aws-dynamodb": `
        const names = { get: (_, name) => name };
        export const AttributeType = new Proxy({}, names);
        export const ProjectionType = new Proxy({}, names);
        export const StreamViewType = new Proxy({}, names);
        export const Billing = { onDemand: () => "PAY_PER_REQUEST" };
        export const made = [];
        export class TableV2 { constructor(scope, id, props) { made.push(props); } }`,
      constructs: "export class Construct {}",
    };
    for (const [name, source] of Object.entries(stubs)) {
      mkdirSync(folder.path(`node_modules/${name}`), { recursive: true });
      writeFileSync(folder.path(`node_modules/${name}/index.js`), source);
      writeFileSync(folder.path(`node_modules/${name}/package.json`), `{ "type": "module", "main": "index.js" }`);
    }
    const { code } = transformSync(await template("cdk", store), { loader: "ts" });
    const program = code
      .concat(
        `export { made } from "aws-cdk-lib/aws-dynamodb"; export { alarms, Metric } from "aws-cdk-lib/aws-cloudwatch";`,
      )
      .replaceAll(/"(aws-cdk-lib\/[\w-]+)"/g, `"./node_modules/$1/index.js"`);
    const file = folder.path(`tables-${STORES.findIndex(([one]) => one === store)}.mjs`);
    writeFileSync(file, program);

    interface Key {
      readonly name: string;
      readonly type: string;
    }
    interface Props {
      readonly partitionKey: Key;
      readonly sortKey?: Key;
      readonly [name: string]: unknown;
    }
    const module = (await import(pathToFileURL(file).href)) as {
      ProtosourceTables: new (scope: object, id: string) => object;
      ProtosourceAlarms?: new (scope: object, id: string, props: object) => object;
      Metric: new (props: object) => object;
      alarms: (readonly [metric: string, threshold: number])[];
      made: (Props & { globalSecondaryIndexes?: (Props & { indexName: string; projectionType: "ALL" })[] })[];
    };
    module.made.length = 0;
    module.alarms.length = 0;
    new module.ProtosourceTables({}, "Tables");
    if (module.ProtosourceAlarms) {
      const consumer = { metric: (metricName: string) => new module.Metric({ metricName }) };
      new module.ProtosourceAlarms({}, "Alarms", { consumer, topic: {} });
    }
    expect(module.alarms).toEqual(expected === EXPECTED_SUBSCRIBED ? ALARMS : []);
    const typeOf: Readonly<Record<string, "S" | "N">> = { STRING: "S", NUMBER: "N" };
    const inputs = module.made.map((props): CreateTableCommandInput => {
      const { ttl, recovery } = settingsOf(props["tableName"]);
      expect(props["timeToLiveAttribute"]).toBe(ttl);
      expect(props).toMatchObject({
        removalPolicy: "retain",
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: recovery },
      });
      const keyed = [props, ...(props.globalSecondaryIndexes ?? [])];
      const keySchema = ({ partitionKey, sortKey }: Props): NonNullable<CreateTableCommandInput["KeySchema"]> => [
        { AttributeName: partitionKey.name, KeyType: "HASH" },
        ...(sortKey ? [{ AttributeName: sortKey.name, KeyType: "RANGE" as const }] : []),
      ];
      return {
        TableName: String(props["tableName"]),
        BillingMode: props["billing"] as "PAY_PER_REQUEST",
        DeletionProtectionEnabled: props["deletionProtection"] as boolean,
        KeySchema: keySchema(props),
        AttributeDefinitions: keyed.flatMap(({ partitionKey, sortKey }) =>
          [partitionKey, ...(sortKey ? [sortKey] : [])].map(({ name, type }) => ({
            AttributeName: name,
            AttributeType: typeOf[type],
          })),
        ),
        ...(props["dynamoStream"] !== undefined && {
          StreamSpecification: { StreamEnabled: true, StreamViewType: props["dynamoStream"] as "NEW_IMAGE" },
        }),
        ...(props.globalSecondaryIndexes && {
          GlobalSecondaryIndexes: props.globalSecondaryIndexes.map((index) => ({
            IndexName: index.indexName,
            KeySchema: keySchema(index),
            Projection: { ProjectionType: index.projectionType },
          })),
        }),
      };
    });
    expect(inputs.map(sorted)).toEqual(expected.map(sorted));
  });

  it("refuses a format that it doesn't know, and a file", async () => {
    const unknown = await runCli(["tables", "template", "--format", "pulumi"]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("cloudformation, terraform, cdk");
    expect((await runCli(["tables", "template", "--format", "cdk", "--store", "sqlite:orders.db"])).code).toBe(2);
  });
});

describe("tables policy", () => {
  interface Policy {
    readonly Statement: readonly { readonly Action: readonly string[]; readonly Resource: string }[];
  }
  const policyOf = async (role: string, store = STORE): Promise<Policy> => {
    const account = ["--account", "123456789012"];
    const { code, stdout } = await runCli(["tables", "policy", "--role", role, "--store", store, ...account]);
    expect(code).toBe(0);
    return JSON.parse(stdout) as Policy;
  };

  it("allows on each table what a writer's and a reader's requests need, and nothing else", async () => {
    const [engine] = engines;
    const tables = await freshTables(engine?.endpoint ?? "");
    const used = { writer: new Map<string, Set<string>>(), reader: new Map<string, Set<string>>() };
    const stores = (role: keyof typeof used): { store: DynamoDBStore; opaqueStore: DynamoDBOpaqueStore } => {
      const onRequest = ({ table, operation }: { table: string; operation: string }): void => {
        // A transaction needs the permission of each of its writes.
        const action = operation === "TransactWriteItems" ? "PutItem" : operation;
        for (const name of table.split(" and ")) used[role].set(name, (used[role].get(name) ?? new Set()).add(action));
      };
      const opaqueStore = new DynamoDBOpaqueStore(tables.client, { table: tables.aggregatesTable, onRequest });
      return {
        store: new DynamoDBStore(tables.client, { eventsTable: tables.eventsTable, onRequest, opaqueStore }),
        opaqueStore,
      };
    };
    const records = [1n, 2n].map((version) => create(StoredRecordSchema, { version, data: Uint8Array.of(1) }));
    const writer = stores("writer");
    await writer.store.save("p#1", records.slice(0, 1));
    await writer.store.save("p#2", records);
    const row = { pk: "p#x", sk: "AGG" };
    const reader = stores("reader");
    for (const { store, opaqueStore } of [writer, reader]) {
      await store.load("p#1");
      await store.loadTail("p#1", 1);
      await opaqueStore.get(row);
      await opaqueStore.query({ partition: "p#x" });
    }
    await writer.opaqueStore.delete(row);
    tables.client.destroy();

    for (const role of ["writer", "reader"] as const) {
      const { Statement } = await policyOf(role);
      expect(Statement.map(({ Resource }) => Resource)).toEqual([
        "arn:aws:dynamodb:eu-west-1:123456789012:table/orders-events",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/orders-rows",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/orders-rows/index/*",
      ]);
      const allowed = Statement.map(({ Action }) => Action.map((action) => action.replace("dynamodb:", "")));
      // A row is put as a record is; a save whose answer was lost is looked up, and a transaction may check streams.
      const unseen = role === "writer" ? [["ConditionCheckItem", "GetItem"], ["PutItem"]] : [[], []];
      const needed = [tables.eventsTable, tables.aggregatesTable].map((table, i) =>
        [...(used[role].get(table) ?? []), ...(unseen[i] ?? [])].toSorted(),
      );
      expect(allowed).toEqual([...needed, ["Query"]]);
    }
  });

  it("allows those who follow the stream to read it and to keep what they did, and an operator to look after that", async () => {
    const on = ({ Statement }: Policy, resource: string): readonly string[] =>
      Statement.find(({ Resource }) => Resource.endsWith(resource))?.Action ?? [];
    const [consumer, worker] = [await policyOf("consumer"), await policyOf("worker")];
    for (const policy of [consumer, worker]) {
      expect(on(policy, ":table/orders-events/stream/*")).toEqual([
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
      ]);
      expect(on(policy, ":table/feeds")).toContain("dynamodb:PutItem");
    }
    expect(on(consumer, ":table/orders-events")).not.toContain("dynamodb:Scan");
    expect(on(worker, ":table/orders-events")).toContain("dynamodb:Scan");
    expect(on(await policyOf("worker", SUBSCRIBED), ":table/orders-feeds")).toContain("dynamodb:PutItem");
    expect(on(await policyOf("operator"), ":table/feeds")).toEqual([]);
    const operator = on(await policyOf("operator", SUBSCRIBED), ":table/orders-feeds");
    expect(operator).toEqual(operator.toSorted());
    expect(operator).toContain("dynamodb:DescribeTable");
    for (const table of ["orders-events", "orders-rows", "orders-feeds"]) {
      const actions = on(await policyOf("operator", SUBSCRIBED), `:table/${table}`);
      expect(actions).toEqual(expect.arrayContaining(ENSURE));
      expect(actions).toEqual(actions.toSorted());
    }
  });

  it("lets writers make keys of persons, and readers only read them, where their table is named", async () => {
    const onKeys = async (role: string, store: string): Promise<readonly string[] | undefined> =>
      (await policyOf(role, store)).Statement.find(({ Resource }) => Resource.endsWith(":table/orders-keys"))?.Action;
    for (const role of ["writer", "consumer", "worker"]) {
      expect(await onKeys(role, SEALED)).toEqual(["dynamodb:GetItem", "dynamodb:PutItem"]);
    }
    expect(await onKeys("reader", SEALED)).toEqual(["dynamodb:GetItem"]);
    const operator = await onKeys("operator", SEALED);
    expect(operator).toEqual([...ENSURE, "dynamodb:GetItem", "dynamodb:PutItem"].toSorted());
    expect(await onKeys("operator", STORE)).toBeUndefined();
  });
});
