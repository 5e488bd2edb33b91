/** What tells that subscriptions need somebody, as alarms of CloudWatch. */
import type { DynamoDBLocation } from "../store-url.js";

/** An alarm on a metric: of the function that consumes the stream, or of the subscriptions themselves. */
export interface AlarmTemplate {
  /** What the template calls it. */
  readonly id: "IteratorAge" | "Parked" | "Behind";
  readonly description: string;
  /** Whose metric it is. The subscriptions' own lie in the namespace that a program exports its telemetry to. */
  readonly of: "function" | "subscriptions";
  readonly metric: string;
  readonly statistic: "Maximum" | "Sum";
  /** More than this is an alarm. */
  readonly threshold: number;
}

/** The seconds over which a metric is looked at. */
export const ALARM_PERIOD_SECONDS = 300;

/** The namespace of the subscriptions' metrics, where nobody says another. */
export const METRICS_NAMESPACE = "protosource";

const ALARMS: readonly AlarmTemplate[] = [
  {
    id: "IteratorAge",
    description:
      "Subscriptions are an hour behind. After 24 hours the stream forgets, and only a catch-up finds the rest.",
    of: "function",
    metric: "IteratorAge",
    statistic: "Maximum",
    threshold: 3_600_000,
  },
  {
    id: "Parked",
    description: "An event can't be handled, and its stream waits until it is released.",
    of: "subscriptions",
    metric: "protosource.subscriptions.parked",
    statistic: "Sum",
    threshold: 0,
  },
  {
    id: "Behind",
    description: "An audit found events that a subscription had missed.",
    of: "subscriptions",
    metric: "protosource.subscriptions.behind",
    statistic: "Sum",
    threshold: 0,
  },
];

/** Gives the alarms that a store needs: none without a feeds table. */
export function alarmTemplates({ feedsTable }: DynamoDBLocation): readonly AlarmTemplate[] {
  return feedsTable === undefined ? [] : ALARMS;
}
