import { ALARM_PERIOD_SECONDS, type AlarmTemplate, METRICS_NAMESPACE } from "./alarms.js";
import { keysOf, type TableTemplate } from "./tables.js";

/** Gives the tables, and the alarms, as resources of Terraform's AWS provider. */
export function terraformTemplate(tables: readonly TableTemplate[], alarms: readonly AlarmTemplate[]): string {
  const variables = alarms.length > 0 ? VARIABLES : [];
  return [...tables.map(resource), ...variables, ...alarms.map(alarm)].join("\n\n");
}

/** What the alarms need to be told. */
const VARIABLES: readonly string[] = [
  variable("consumer_function", "The name of the function that consumes the events table's stream"),
  variable("alarm_topic", "The ARN of the SNS topic that gets the alarms"),
  variable(
    "metrics_namespace",
    "The CloudWatch namespace that the subscriptions' telemetry is exported to",
    METRICS_NAMESPACE,
  ),
];

function variable(name: string, description: string, byDefault?: string): string {
  const settings = { type: expression("string"), description, ...(byDefault !== undefined && { default: byDefault }) };
  return [`variable "${name}" {`, ...lines(settings, "  "), "}"].join("\n");
}

function alarm({ id, description, of, metric, statistic, threshold }: AlarmTemplate): string {
  const settings = {
    alarm_name: `protosource-${id.toLowerCase()}`,
    alarm_description: description,
    namespace: of === "function" ? "AWS/Lambda" : expression("var.metrics_namespace"),
    metric_name: metric,
    ...(of === "function" && { dimensions: expression("{ FunctionName = var.consumer_function }") }),
    statistic,
    period: ALARM_PERIOD_SECONDS,
    evaluation_periods: 1,
    threshold,
    comparison_operator: "GreaterThanThreshold",
    treat_missing_data: "notBreaching",
    alarm_actions: expression("[var.alarm_topic]"),
  };
  return [`resource "aws_cloudwatch_metric_alarm" "${id.toLowerCase()}" {`, ...lines(settings, "  "), "}"].join("\n");
}

function resource({ id, input, ttlAttribute, hasRecovery }: TableTemplate): string {
  const { hash, range } = keysOf(input.KeySchema);
  const attributes = (input.AttributeDefinitions ?? []).map(({ AttributeName, AttributeType }) =>
    block("attribute", { name: AttributeName, type: AttributeType }),
  );
  const indexes = (input.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema, Projection }) => {
    const keys = keysOf(KeySchema);
    return block("global_secondary_index", {
      name: IndexName,
      hash_key: keys.hash,
      range_key: keys.range,
      projection_type: Projection?.ProjectionType,
    });
  });
  const settings = {
    name: input.TableName,
    billing_mode: input.BillingMode,
    hash_key: hash,
    ...(range !== undefined && { range_key: range }),
    deletion_protection_enabled: input.DeletionProtectionEnabled,
    ...(input.StreamSpecification && {
      stream_enabled: true,
      stream_view_type: input.StreamSpecification.StreamViewType,
    }),
  };
  const blocks = [
    ...attributes,
    ...indexes,
    ...(ttlAttribute === undefined ? [] : [block("ttl", { attribute_name: ttlAttribute, enabled: true })]),
    block("point_in_time_recovery", { enabled: hasRecovery }),
    block("lifecycle", { prevent_destroy: true }),
  ];
  return [
    `resource "aws_dynamodb_table" "${id.toLowerCase()}" {`,
    ...lines(settings, "  "),
    ...blocks.flatMap((one) => ["", ...one]),
    "}",
  ].join("\n");
}

/** What is written as it is, and not as a value. */
interface Expression {
  readonly expression: string;
}

function expression(text: string): Expression {
  return { expression: text };
}

type Settings = Readonly<Record<string, string | number | boolean | Expression | undefined>>;

function block(name: string, settings: Settings): readonly string[] {
  return [`  ${name} {`, ...lines(settings, "    "), "  }"];
}

/** Aligned as `terraform fmt` does. */
function lines(settings: Settings, indent: string): readonly string[] {
  const width = Math.max(...Object.keys(settings).map(({ length }) => length));
  const text = (value: Settings[string]): string =>
    typeof value === "object" ? value.expression : JSON.stringify(value);
  return Object.entries(settings).map(([name, value]) => `${indent}${name.padEnd(width)} = ${text(value)}`);
}
