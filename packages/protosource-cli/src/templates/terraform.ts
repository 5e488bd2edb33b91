import { keysOf, type TableTemplate } from "./tables.js";

/** Gives the tables as resources of Terraform's AWS provider. */
export function terraformTemplate(tables: readonly TableTemplate[]): string {
  return tables.map(resource).join("\n\n");
}

function resource({ id, input, ttlAttribute }: TableTemplate): string {
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
    range_key: range,
    deletion_protection_enabled: input.DeletionProtectionEnabled,
  };
  const blocks = [
    ...attributes,
    ...indexes,
    block("ttl", { attribute_name: ttlAttribute, enabled: true }),
    block("point_in_time_recovery", { enabled: true }),
    block("lifecycle", { prevent_destroy: true }),
  ];
  return [
    `resource "aws_dynamodb_table" "${id.toLowerCase()}" {`,
    ...lines(settings, "  "),
    ...blocks.flatMap((one) => ["", ...one]),
    "}",
  ].join("\n");
}

type Settings = Readonly<Record<string, string | boolean | undefined>>;

function block(name: string, settings: Settings): readonly string[] {
  return [`  ${name} {`, ...lines(settings, "    "), "  }"];
}

/** Aligned as `terraform fmt` does. */
function lines(settings: Settings, indent: string): readonly string[] {
  const width = Math.max(...Object.keys(settings).map(({ length }) => length));
  return Object.entries(settings).map(([name, value]) => `${indent}${name.padEnd(width)} = ${JSON.stringify(value)}`);
}
