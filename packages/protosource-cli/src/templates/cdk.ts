import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { ALARM_PERIOD_SECONDS, type AlarmTemplate, METRICS_NAMESPACE } from "./alarms.js";
import { DESCRIPTION, type Keys, keysOf, type TableTemplate, typeOf } from "./tables.js";

const TYPES: Readonly<Record<string, string>> = { S: "STRING", N: "NUMBER", B: "BINARY" };

/** Gives constructs for the AWS CDK, in TypeScript. */
export function cdkTemplate(tables: readonly TableTemplate[], alarms: readonly AlarmTemplate[]): string {
  const hasAlarms = alarms.length > 0;
  const hasStream = tables.some(({ input }) => input.StreamSpecification !== undefined);
  const names = ["AttributeType", "Billing", "ProjectionType", ...(hasStream ? ["StreamViewType"] : []), "TableV2"];
  return `import { ${hasAlarms ? "Duration, " : ""}RemovalPolicy } from "aws-cdk-lib";
${hasAlarms ? ALARM_IMPORTS : ""}import { ${names.join(", ")} } from "aws-cdk-lib/aws-dynamodb";
${hasAlarms ? CONSUMER_IMPORTS : ""}import { Construct } from "constructs";

/** ${DESCRIPTION} */
export class ProtosourceTables extends Construct {
${tables.map(({ id }) => `  readonly ${id.toLowerCase()}: TableV2;`).join("\n")}

  constructor(scope: Construct, id: string) {
    super(scope, id);
${tables.map(table).join("\n")}
  }
}${hasAlarms ? alarmConstruct(alarms) : ""}`;
}

const ALARM_IMPORTS = `import { ComparisonOperator, Metric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
`;

const CONSUMER_IMPORTS = `import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
`;

function alarmConstruct(alarms: readonly AlarmTemplate[]): string {
  return `

export interface ProtosourceAlarmsProps {
  /** The function that consumes the events table's stream. */
  readonly consumer: IFunction;
  readonly topic: ITopic;
  /** The CloudWatch namespace that the subscriptions' telemetry is exported to. ${METRICS_NAMESPACE} by default. */
  readonly namespace?: string;
}

/** Tells that subscriptions need somebody. */
export class ProtosourceAlarms extends Construct {
  constructor(scope: Construct, id: string, { consumer, topic, namespace = "${METRICS_NAMESPACE}" }: ProtosourceAlarmsProps) {
    super(scope, id);
    const period = Duration.seconds(${ALARM_PERIOD_SECONDS});
    const alarms = [
${alarms.map(alarm).join("\n")}
    ];
    for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(topic));
  }
}`;
}

function alarm({ id, description, of, metric, statistic, threshold }: AlarmTemplate): string {
  const source =
    of === "function"
      ? `consumer.metric("${metric}", { statistic: "${statistic}", period })`
      : `new Metric({ namespace, metricName: "${metric}", statistic: "${statistic}", period })`;
  return `      ${source}.createAlarm(this, "${id}", {
        alarmDescription: ${JSON.stringify(description)},
        threshold: ${threshold},
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      }),`;
}

function table({ id, input, ttlAttribute, hasRecovery }: TableTemplate): string {
  return `    this.${id.toLowerCase()} = new TableV2(this, "${id}", {
      tableName: ${JSON.stringify(input.TableName)},
${keys(input, keysOf(input.KeySchema), "      ")}
      billing: Billing.onDemand(),${ttl(ttlAttribute)}
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: ${hasRecovery} },
      deletionProtection: ${input.DeletionProtectionEnabled},
      removalPolicy: RemovalPolicy.RETAIN,${stream(input)}${indexes(input)}
    });`;
}

function ttl(attribute: string | undefined): string {
  return attribute === undefined ? "" : `\n      timeToLiveAttribute: ${JSON.stringify(attribute)},`;
}

function stream({ StreamSpecification }: CreateTableCommandInput): string {
  if (StreamSpecification === undefined) return "";
  return `\n      dynamoStream: StreamViewType.${StreamSpecification.StreamViewType},`;
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
  return [key("partitionKey", hash), ...(range === undefined ? [] : [key("sortKey", range)])].join("\n");
}
