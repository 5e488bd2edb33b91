/** What is set of a table, beside what should be. */
import type {
  CreateTableCommandInput,
  GlobalSecondaryIndex,
  StreamSpecification,
  TableDescription,
} from "@aws-sdk/client-dynamodb";
import type { TableAdmin } from "./table-admin.js";
import { isKeysTable, TTL_ATTRIBUTE } from "./table-shapes.js";

/** One setting of a table: what it should be, what it is, and how to change it where that is possible. */
export interface Setting {
  readonly setting: string;
  readonly expected: string;
  /** Undefined when it can't be read. */
  readonly found: string | undefined;
  readonly unreadable?: unknown;
  /** What it means, and what to do about it. */
  readonly advice?: string;
  readonly mend?: () => Promise<void>;
}

/** Compares a table that exists with what it should be. */
export async function readSettings(
  admin: TableAdmin,
  expected: CreateTableCommandInput,
  found: TableDescription,
): Promise<Setting[]> {
  const settings: Setting[] = [
    { setting: "keys", expected: keysOf(expected, expected), found: keysOf(found, found) },
    { setting: "billing", expected: "on demand", found: isOnDemand(found) ? "on demand" : "provisioned" },
    {
      setting: "protection",
      expected: "on",
      found: found.DeletionProtectionEnabled ? "on" : "off",
      mend: () => admin.update({ DeletionProtectionEnabled: true }),
    },
  ];
  for (const index of expected.GlobalSecondaryIndexes ?? []) {
    const existing = found.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === index.IndexName);
    const setting = {
      setting: String(index.IndexName),
      expected: `${keysOf(index, expected)}, ${index.Projection?.ProjectionType}`,
    };
    settings.push(
      existing
        ? { ...setting, found: `${keysOf(existing, found)}, ${existing.Projection?.ProjectionType}` }
        : { ...setting, found: "missing", mend: () => admin.update(createIndex(index, expected)) },
    );
  }
  if (expected.StreamSpecification) settings.push(streamSetting(admin, expected.StreamSpecification, found));
  if (isKeysTable(expected)) {
    const advice = "what is restored from it brings back the keys of persons who were forgotten: switch it off";
    return [...settings, { setting: "recovery", expected: "off", ...(await readSetting(admin.recovery)), advice }];
  }
  settings.push({
    setting: "ttl",
    expected: `on ${TTL_ATTRIBUTE}`,
    ...(await readSetting(admin.ttl)),
    mend: () => admin.enableTtl(TTL_ATTRIBUTE),
  });
  settings.push({
    setting: "recovery",
    expected: "on",
    ...(await readSetting(admin.recovery)),
    mend: () => admin.enableRecovery(),
  });
  return settings;
}

/** A stream must bring what was saved. More than that does no harm. */
function streamSetting(admin: TableAdmin, expected: StreamSpecification, found: TableDescription): Setting {
  const viewType = found.StreamSpecification?.StreamEnabled ? found.StreamSpecification.StreamViewType : undefined;
  const setting = { setting: "stream", expected: String(expected.StreamViewType) };
  if (viewType === undefined) {
    return {
      ...setting,
      found: "off",
      advice: "subscriptions hear nothing of this table: switch it on, as a repair does",
      mend: () => admin.update({ StreamSpecification: expected }),
    };
  }
  return {
    ...setting,
    found: viewType === "NEW_AND_OLD_IMAGES" ? setting.expected : viewType,
    advice:
      "events come without their data, and each is read again; to change it, switch the stream off and on: it gets another ARN then, so event source mappings must be made anew",
  };
}

async function readSetting(read: () => Promise<string>): Promise<Pick<Setting, "found" | "unreadable">> {
  try {
    return { found: await read() };
  } catch (unreadable) {
    return { found: undefined, unreadable };
  }
}

/** Gives the keys of a table or an index with their types, such as `a HASH S, v RANGE N`. */
function keysOf(
  keyed: Pick<TableDescription, "KeySchema">,
  table: Pick<TableDescription, "AttributeDefinitions">,
): string {
  const typeOf = (name: string | undefined): string | undefined =>
    table.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
  return (keyed.KeySchema ?? [])
    .map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType} ${typeOf(AttributeName)}`)
    .join(", ");
}

function isOnDemand(table: TableDescription): boolean {
  return table.BillingModeSummary?.BillingMode === "PAY_PER_REQUEST";
}

function createIndex(index: GlobalSecondaryIndex, table: CreateTableCommandInput): Parameters<TableAdmin["update"]>[0] {
  const names = [...(table.KeySchema ?? []), ...(index.KeySchema ?? [])].map(({ AttributeName }) => AttributeName);
  return {
    AttributeDefinitions: table.AttributeDefinitions?.filter(({ AttributeName }) => names.includes(AttributeName)),
    GlobalSecondaryIndexUpdates: [{ Create: index }],
  };
}
