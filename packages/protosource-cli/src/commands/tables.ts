/** The commands that make and compare tables, and print templates of them. */
import { type Command, Option } from "commander";
import type { TableReport, TablesReport } from "protosource-es/dynamodb";
import { type Action, type Context, type Register, type StoreOption, withExample, withStore } from "../command.js";
import { EXIT, type ExitCode } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { integrityProblems } from "../integrity.js";
import { checkIsStore, openClient, openStore } from "../open-store.js";
import type { Output } from "../output.js";
import { type DynamoDBLocation, parseStoreUrl, type SqliteLocation } from "../store-url.js";
import { type AlarmTemplate, alarmTemplates } from "../templates/alarms.js";
import { cdkTemplate } from "../templates/cdk.js";
import { cloudFormationTemplate } from "../templates/cloudformation.js";
import { iamPolicy, ROLES, type Role } from "../templates/policy.js";
import { type TableTemplate, tableTemplates } from "../templates/tables.js";
import { terraformTemplate } from "../templates/terraform.js";

interface EnsureOptions extends StoreOption {
  readonly repair?: boolean;
}

interface TemplateOptions extends StoreOption {
  readonly format: string;
}

interface PolicyOptions extends StoreOption {
  readonly role: Role;
  readonly account: string;
  readonly partition: string;
}

type Format = (tables: readonly TableTemplate[], alarms: readonly AlarmTemplate[]) => string;

const FORMATS: Readonly<Record<string, Format>> = {
  cloudformation: cloudFormationTemplate,
  terraform: terraformTemplate,
  cdk: cdkTemplate,
};

/** Adds `tables` and what is under it. */
export function addTables(program: Command, register: Register): void {
  const tables = program.command("tables").description("makes tables, and compares them").helpCommand(false);

  const ensure = tables
    .command("ensure")
    .description("makes the tables that are missing")
    .option("--repair", "also changes existing tables where they differ from what they should be");
  withExample(withStore(ensure), "protosource tables ensure --store 'dynamodb:?region=eu-west-1'");
  register<EnsureOptions>(ensure, ensureStore);

  const check = tables
    .command("check")
    .description("compares the tables with what they should be, and changes nothing");
  withExample(withStore(check), "protosource tables check --store 'dynamodb:?region=eu-west-1'");
  register<StoreOption>(check, checkStore);

  const template = tables
    .command("template")
    .description("prints a template that makes the same tables")
    .addOption(new Option("--format <format>", "the tool").choices(Object.keys(FORMATS)).makeOptionMandatory());
  withExample(
    withStore(template),
    "protosource tables template --format cloudformation --store 'dynamodb:?events=orders-events' > tables.json",
  );
  register<TemplateOptions>(template, async ({ output }, options) => {
    const format = FORMATS[options.format];
    const location = dynamoDBLocation(options);
    const text = format?.(await tableTemplates(location), alarmTemplates(location));
    await (output.json ? output.value({ format: options.format, template: text }) : output.line(text));
    return EXIT.ok;
  });

  const policy = tables
    .command("policy")
    .description("prints an IAM policy with the fewest permissions that do")
    .addOption(new Option("--role <role>", "who needs them").choices(ROLES).makeOptionMandatory())
    .option("--account <id>", "the AWS account", "*")
    .option("--partition <name>", "the AWS partition, such as aws-cn", "aws");
  withExample(
    withStore(policy),
    "protosource tables policy --role writer --store 'dynamodb:?region=eu-west-1' --account 123456789012",
  );
  register<PolicyOptions>(policy, async ({ output }, { role, account, partition, ...options }) => {
    const location = dynamoDBLocation(options);
    if (!/^(\d{12}|\*)$/.test(account)) {
      throw usageError("--account", `--account is ${JSON.stringify(account)}: give the 12 digits of an AWS account`);
    }
    if (!/^aws[a-z-]*$/.test(partition)) {
      throw usageError("--partition", `--partition is ${JSON.stringify(partition)}: give aws, or one such as aws-cn`);
    }
    const text = iamPolicy(role, location, { partition, region: location.region ?? "*", account });
    await (output.json ? output.value(JSON.parse(text)) : output.line(text));
    return EXIT.ok;
  });
}

/** These two only print, so that they need no store to be there. */
function dynamoDBLocation({ store = "dynamodb:" }: StoreOption): DynamoDBLocation {
  const location = parseStoreUrl(store);
  if (location.kind === "dynamodb") return withTableNames(location);
  throw usageError("--store", "an SQLite file needs neither a template nor a policy: give a store of dynamodb:");
}

/** What makes tables checks their names; what only prints them doesn't ask it. */
function withTableNames(location: DynamoDBLocation): DynamoDBLocation {
  const { eventsTable, aggregatesTable, feedsTable = "feeds", keysTable = "keys" } = location;
  const wrong = [eventsTable, aggregatesTable, feedsTable, keysTable].find((name) => !/^[\w.*-]{3,255}$/.test(name));
  if (wrong === undefined) return location;
  throw usageError("--store", `${JSON.stringify(wrong)} is no table name: DynamoDB takes 3 to 255 of a-z, 0-9, "_.-"`);
}

const ensureStore: Action<EnsureOptions> = async (context, options) => {
  const location = parseStoreUrl(options.store);
  if (location.kind === "sqlite") return ensureSqlite(context, location);
  const client = await openClient(location);
  try {
    const { ensureTables } = await import("protosource-es/dynamodb");
    const { signal, output } = context;
    const report = await ensureTables(client, location, { repair: options.repair, signal });
    return await printReports(output, location, report);
  } finally {
    client.destroy();
  }
};

const checkStore: Action<StoreOption> = async (context, options) => {
  const location = parseStoreUrl(options.store);
  if (location.kind === "sqlite") return checkSqlite(context, location);
  const client = await openClient(location);
  try {
    const { checkTables } = await import("protosource-es/dynamodb");
    const { signal, output } = context;
    const report = await checkTables(client, location, { signal });
    return await printReports(output, location, report);
  } finally {
    client.destroy();
  }
};

async function ensureSqlite({ output }: Context, location: SqliteLocation): Promise<ExitCode> {
  const { close } = await openStore(location, { create: true });
  close();
  await (output.json ? output.value({ file: location.path, ready: true }) : output.line(`${location.path} is ready.`));
  return EXIT.ok;
}

/** Has SQLite look through the whole file. */
async function checkSqlite({ output }: Context, location: SqliteLocation): Promise<ExitCode> {
  const { path } = location;
  await checkIsStore(path);
  const { close } = await openStore(location);
  close();
  const problems = await integrityProblems(path);
  if (output.json) await output.value({ file: path, problems });
  else if (problems.length === 0) await output.line(`${path} is as it should be.`);
  for (const problem of output.json ? [] : problems) await output.line(`${path}: ${problem}`);
  return problems.length === 0 ? EXIT.ok : EXIT.found;
}

async function printReports(
  output: Output,
  location: DynamoDBLocation,
  reports: Partial<TablesReport>,
): Promise<ExitCode> {
  const { eventsTable, aggregatesTable, feedsTable, keysTable } = location;
  const exitCodes = [
    await printReport(output, eventsTable, reports.events),
    await printReport(output, aggregatesTable, reports.aggregates),
    ...(feedsTable === undefined ? [] : [await printReport(output, feedsTable, reports.feeds)]),
    ...(keysTable === undefined ? [] : [await printReport(output, keysTable, reports.keys)]),
  ];
  if (exitCodes.includes(EXIT.missing)) return EXIT.missing;
  return exitCodes.includes(EXIT.found) ? EXIT.found : EXIT.ok;
}

async function printReport(output: Output, table: string, report: TableReport | undefined): Promise<ExitCode> {
  if (output.json) await output.value({ exists: report !== undefined, ...(report ?? { table }) });
  if (report === undefined) {
    if (!output.json) await output.line(`${table}: ${output.style("red", "missing")}`);
    return EXIT.missing;
  }
  const { created, changed, different, unknown } = report;
  // What can't even be read isn't there to be switched on: an engine for tests has no backups.
  const failed = report.failed.filter(({ setting }) => !unknown.some((one) => one.setting === setting));
  const isWrong = different.length + failed.length > 0;
  if (!output.json) {
    const wrong = output.style("yellow", "differs from what it should be");
    const asFar = unknown.length > 0 ? ", as far as it can be read" : "";
    const right = output.style("green", `as it should be${asFar}`);
    await output.line(`${table}: ${created ? "created" : isWrong ? wrong : right}`);
    for (const setting of created ? [] : changed) await output.line(`  ${setting}: repaired`);
    for (const { setting, expected, found, advice } of different) {
      await output.line(`  ${setting}: ${found}; expected ${expected}`);
      if (advice !== undefined) await output.line(`    ${advice}`);
    }
    for (const { setting, reason } of failed) await output.line(`  ${setting}: couldn't be changed: ${reason}`);
    for (const { setting, reason } of unknown) output.note(`  ${setting}: can't be read: ${reason}`);
  }
  return isWrong ? EXIT.found : EXIT.ok;
}
