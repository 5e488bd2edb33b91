import type { TableTemplate } from "./tables.js";

/** Gives a CloudFormation template, as JSON. Its tables outlive their stack. */
export function cloudFormationTemplate(tables: readonly TableTemplate[]): string {
  const resources = tables.map(({ id, input, ttlAttribute }) => [
    `${id}Table`,
    {
      Type: "AWS::DynamoDB::Table",
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        ...input,
        TimeToLiveSpecification: { AttributeName: ttlAttribute, Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      },
    },
  ]);
  const template = {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "The tables of protosource: streams of events, and rows with 20 indexes.",
    Resources: Object.fromEntries(resources),
  };
  return JSON.stringify(template, undefined, 2);
}
