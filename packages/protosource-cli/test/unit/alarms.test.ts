/** The alarms of the templates look at metrics that there are. */
import type { MeterLike } from "protosource-es";
import { subscriptionTelemetry } from "protosource-es/subscriptions";
import { expect, it } from "vitest";
import { type DynamoDBLocation, parseStoreUrl } from "../../src/store-url.js";
import { alarmTemplates } from "../../src/templates/alarms.js";

it("each alarm on subscriptions is on a counter that their telemetry counts by", () => {
  const counters: string[] = [];
  const meter: MeterLike = {
    createCounter(name) {
      counters.push(name);
      return { add() {} };
    },
    createHistogram: () => ({ record() {} }),
  };
  subscriptionTelemetry({ meter });
  const location = parseStoreUrl("dynamodb:?region=eu-west-1&feeds=feeds") as DynamoDBLocation;
  const looked = alarmTemplates(location).filter((alarm) => alarm.of === "subscriptions");
  expect(looked.map(({ id }) => id)).toEqual(["Parked", "Behind"]);
  for (const { metric } of looked) expect(counters).toContain(metric);
});
