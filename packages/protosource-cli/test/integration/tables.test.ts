import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { CreateTableCommand, type CreateTableCommandInput, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { transformSync } from "esbuild";
import { aggregatesTable, DynamoDBOpaqueStore, DynamoDBStore, eventsTable } from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../cli.js";
import { engines, freshTables, type TestTables, temporaryFolder } from "../engines.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const STORE = "dynamodb:?region=eu-west-1&events=orders-events&aggregates=orders-rows";
const EXPECTED = [eventsTable("orders-events"), aggregatesTable("orders-rows")];

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
  const template = async (format: string): Promise<string> => {
    const { code, stdout } = await runCli(["tables", "template", "--format", format, "--store", STORE]);
    expect(code).toBe(0);
    return stdout;
  };

  it("prints CloudFormation of the tables that ensureTables makes, which an engine takes", async () => {
    const { Resources } = JSON.parse(await template("cloudformation")) as {
      Resources: Record<string, { Type: string; DeletionPolicy: string; Properties: Record<string, unknown> }>;
    };
    const inputs = Object.values(Resources).map(({ Type, DeletionPolicy, Properties }) => {
      expect({ Type, DeletionPolicy }).toEqual({ Type: "AWS::DynamoDB::Table", DeletionPolicy: "Retain" });
      const { TimeToLiveSpecification, PointInTimeRecoverySpecification, ...input } = Properties;
      expect(TimeToLiveSpecification).toEqual({ AttributeName: "t", Enabled: true });
      expect(PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
      return input as unknown as CreateTableCommandInput;
    });
    expect(inputs).toEqual(EXPECTED);

    const [{ endpoint } = { endpoint: "" }] = engines;
    const tables = await freshTables(endpoint, { create: false });
    const names = [tables.eventsTable, tables.aggregatesTable];
    for (const [i, input] of inputs.entries()) {
      await tables.client.send(new CreateTableCommand({ ...input, TableName: names[i] }));
    }
    const { json } = await runCli(["tables", "check", "--store", tables.url, "--json"]);
    tables.client.destroy();
    for (const report of json())
      expect(report["different"]).toEqual([{ setting: "ttl", expected: "on t", found: "off" }]);
  });

  it("prints Terraform of the same tables", async () => {
    const text = await template("terraform");
    const inputs = text.split(/^(?=resource )/m).map((resource): CreateTableCommandInput => {
      const value = (body: string, name: string): string | undefined =>
        new RegExp(`^ *${name} += "?([^"\\n]+?)"?$`, "m").exec(body)?.[1];
      const blocks = (name: string): string[] =>
        [...resource.matchAll(new RegExp(`^  ${name} \\{\\n([^}]*)\\}`, "gm"))].map((match) => match[1] ?? "");
      const keySchema = (body: string): NonNullable<CreateTableCommandInput["KeySchema"]> => [
        { AttributeName: value(body, "hash_key"), KeyType: "HASH" },
        { AttributeName: value(body, "range_key"), KeyType: "RANGE" },
      ];
      expect(blocks("ttl")).toEqual([expect.stringMatching(/attribute_name = "t"\n +enabled +=/)]);
      expect(blocks("point_in_time_recovery")).toEqual([expect.stringContaining("enabled = true")]);
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
      };
    });
    expect(inputs.map(sorted)).toEqual(EXPECTED.map(sorted));
  });

  it("prints a CDK construct of the same tables, which runs", async () => {
    const stubs: Readonly<Record<string, string>> = {
      "aws-cdk-lib": `export const RemovalPolicy = { RETAIN: "retain" };`,
      "aws-cdk-lib/aws-dynamodb": `
        const names = { get: (_, name) => name };
        export const AttributeType = new Proxy({}, names);
        export const ProjectionType = new Proxy({}, names);
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
    const { code } = transformSync(await template("cdk"), { loader: "ts" });
    const program = code
      .replaceAll(`"aws-cdk-lib/aws-dynamodb"`, `"./node_modules/aws-cdk-lib/aws-dynamodb/index.js"`)
      .concat(`export { made } from "./node_modules/aws-cdk-lib/aws-dynamodb/index.js";`);
    writeFileSync(folder.path("tables.mjs"), program);

    interface Key {
      readonly name: string;
      readonly type: string;
    }
    interface Props {
      readonly partitionKey: Key;
      readonly sortKey: Key;
      readonly [name: string]: unknown;
    }
    const module = (await import(pathToFileURL(folder.path("tables.mjs")).href)) as {
      ProtosourceTables: new (scope: object, id: string) => object;
      made: (Props & { globalSecondaryIndexes?: (Props & { indexName: string; projectionType: "ALL" })[] })[];
    };
    new module.ProtosourceTables({}, "Tables");
    const typeOf: Readonly<Record<string, "S" | "N">> = { STRING: "S", NUMBER: "N" };
    const inputs = module.made.map((props): CreateTableCommandInput => {
      expect(props).toMatchObject({
        timeToLiveAttribute: "t",
        removalPolicy: "retain",
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      });
      const keyed = [props, ...(props.globalSecondaryIndexes ?? [])];
      const keySchema = ({ partitionKey, sortKey }: Props): NonNullable<CreateTableCommandInput["KeySchema"]> => [
        { AttributeName: partitionKey.name, KeyType: "HASH" },
        { AttributeName: sortKey.name, KeyType: "RANGE" },
      ];
      return {
        TableName: String(props["tableName"]),
        BillingMode: props["billing"] as "PAY_PER_REQUEST",
        DeletionProtectionEnabled: props["deletionProtection"] as boolean,
        KeySchema: keySchema(props),
        AttributeDefinitions: keyed.flatMap(({ partitionKey, sortKey }) =>
          [partitionKey, sortKey].map(({ name, type }) => ({ AttributeName: name, AttributeType: typeOf[type] })),
        ),
        ...(props.globalSecondaryIndexes && {
          GlobalSecondaryIndexes: props.globalSecondaryIndexes.map((index) => ({
            IndexName: index.indexName,
            KeySchema: keySchema(index),
            Projection: { ProjectionType: index.projectionType },
          })),
        }),
      };
    });
    expect(inputs.map(sorted)).toEqual(EXPECTED.map(sorted));
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
  const policyOf = async (role: string): Promise<Policy> => {
    const account = ["--account", "123456789012"];
    const { code, stdout } = await runCli(["tables", "policy", "--role", role, "--store", STORE, ...account]);
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
});
