import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { type Keys, keysOf, type TableTemplate, typeOf } from "./tables.js";

const TYPES: Readonly<Record<string, string>> = { S: "STRING", N: "NUMBER", B: "BINARY" };

/** Gives a construct for the AWS CDK, in TypeScript. */
export function cdkTemplate(tables: readonly TableTemplate[]): string {
  return `import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, Billing, ProjectionType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";

/** The tables of protosource: streams of events, and rows with 20 indexes. */
export class ProtosourceTables extends Construct {
${tables.map(({ id }) => `  readonly ${id.toLowerCase()}: TableV2;`).join("\n")}

  constructor(scope: Construct, id: string) {
    super(scope, id);
${tables.map(table).join("\n")}
  }
}`;
}

function table({ id, input, ttlAttribute }: TableTemplate): string {
  return `    this.${id.toLowerCase()} = new TableV2(this, "${id}", {
      tableName: ${JSON.stringify(input.TableName)},
${keys(input, keysOf(input.KeySchema), "      ")}
      billing: Billing.onDemand(),
      timeToLiveAttribute: ${JSON.stringify(ttlAttribute)},
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: ${input.DeletionProtectionEnabled},
      removalPolicy: RemovalPolicy.RETAIN,${indexes(input)}
    });`;
}

function indexes(input: CreateTableCommandInput): string {
  const { GlobalSecondaryIndexes = [] } = input;
  if (GlobalSecondaryIndexes.length === 0) return "";
  const items = GlobalSecondaryIndexes.map(
    ({ IndexName, KeySchema, Projection }) => `        {
          indexName: ${JSON.stringify(IndexName)},
${keys(input, keysOf(KeySchema), "          ")}
          projectionType: ProjectionType.${Projection?.ProjectionType},
        },`,
  );
  return `\n      globalSecondaryIndexes: [\n${items.join("\n")}\n      ],`;
}

function keys(input: CreateTableCommandInput, { hash, range }: Keys, indent: string): string {
  const key = (option: string, name: string): string =>
    `${indent}${option}: { name: ${JSON.stringify(name)}, type: AttributeType.${TYPES[typeOf(input, name)]} },`;
  return `${key("partitionKey", hash)}\n${key("sortKey", range)}`;
}
