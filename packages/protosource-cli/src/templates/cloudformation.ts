import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { ALARM_PERIOD_SECONDS, type AlarmTemplate, METRICS_NAMESPACE } from "./alarms.js";
import { DESCRIPTION, type TableTemplate } from "./tables.js";

/** Gives a CloudFormation template, as JSON. Its tables outlive their stack. */
export function cloudFormationTemplate(tables: readonly TableTemplate[], alarms: readonly AlarmTemplate[]): string {
  const resources = [...tables.map(table), ...alarms.map(alarm)];
  const template = {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: DESCRIPTION,
    ...(alarms.length > 0 && { Parameters: PARAMETERS }),
    Resources: Object.fromEntries(resources),
  };
  return JSON.stringify(template, undefined, 2);
}

/** What the alarms need to be told. */
const PARAMETERS = {
  ConsumerFunction: { Type: "String", Description: "The name of the function that consumes the events table's stream" },
  AlarmTopic: { Type: "String", Description: "The ARN of the SNS topic that gets the alarms" },
  MetricsNamespace: {
    Type: "String",
    Default: METRICS_NAMESPACE,
    Description: "The CloudWatch namespace that the subscriptions' telemetry is exported to",
  },
};

function table({ id, input, ttlAttribute, hasRecovery }: TableTemplate): [id: string, resource: object] {
  const properties = {
    ...propertiesOf(input),
    ...(ttlAttribute !== undefined && { TimeToLiveSpecification: { AttributeName: ttlAttribute, Enabled: true } }),
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: hasRecovery },
  };
  return [
    `${id}Table`,
    { Type: "AWS::DynamoDB::Table", DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain", Properties: properties },
  ];
}

/** A stream is on by being there: CloudFormation knows no property that says so. */
function propertiesOf({ StreamSpecification, ...input }: CreateTableCommandInput): object {
  if (StreamSpecification === undefined) return input;
  return { ...input, StreamSpecification: { StreamViewType: StreamSpecification.StreamViewType } };
}

function alarm(alarm: AlarmTemplate): [id: string, resource: object] {
  const metric =
    alarm.of === "function"
      ? { Namespace: "AWS/Lambda", Dimensions: [{ Name: "FunctionName", Value: { Ref: "ConsumerFunction" } }] }
      : { Namespace: { Ref: "MetricsNamespace" } };
  const properties = {
    AlarmDescription: alarm.description,
    ...metric,
    MetricName: alarm.metric,
    Statistic: alarm.statistic,
    Period: ALARM_PERIOD_SECONDS,
    EvaluationPeriods: 1,
    Threshold: alarm.threshold,
    ComparisonOperator: "GreaterThanThreshold",
    TreatMissingData: "notBreaching",
    AlarmActions: [{ Ref: "AlarmTopic" }],
  };
  return [`${alarm.id}Alarm`, { Type: "AWS::CloudWatch::Alarm", Properties: properties }];
}
