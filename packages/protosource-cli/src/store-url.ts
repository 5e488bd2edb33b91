/** The one address of a store: `sqlite:orders.db`, or `dynamodb:?region=eu-west-1`. */
import { usageError } from "./failure.js";

/** Where a store is. */
export type StoreLocation = SqliteLocation | DynamoDBLocation;

export interface SqliteLocation {
  readonly kind: "sqlite";
  readonly path: string;
}

export interface DynamoDBLocation {
  readonly kind: "dynamodb";
  /** By default the region of the AWS environment. */
  readonly region: string | undefined;
  /** By default that of the region. */
  readonly endpoint: string | undefined;
  readonly eventsTable: string;
  readonly aggregatesTable: string;
  /** How the writers of the table keep the records of one save. By default what a sample of the table tells. */
  readonly layout: Layout | undefined;
  /** The table of subscriptions; undefined where the store has none. */
  readonly feedsTable: string | undefined;
  /** The table of the keys of persons; undefined where they lie elsewhere, or nothing is sealed. */
  readonly keysTable: string | undefined;
}

/** Each record in an item of its own, or all of one save in one. */
export type Layout = "compatible" | "packed";

const FORMS = "sqlite:orders.db, or dynamodb:?region=eu-west-1&events=events&aggregates=aggregates";

const PARAMETERS = ["region", "endpoint", "events", "aggregates", "feeds", "keys", "layout"];

/**
 * What `openSqlite` takes for something else than a path, such as `:memory:`, `file:orders.db` and `orders.db?mode=ro`:
 * it would open another file than the one that is looked for here.
 */
const NO_PATH = /^(:|\/\/|[a-z][a-z\d+.-]+:)|\?\w+=/i;

/** Reads the address of a store. Throws `invalid_argument`. */
export function parseStoreUrl(url: string | undefined): StoreLocation {
  if (url === undefined || url === "") {
    throw usageError("--store", `no store is given: add --store, or set PROTOSOURCE_STORE, such as ${FORMS}`);
  }
  if (url.startsWith("sqlite:")) {
    const path = url.slice("sqlite:".length);
    if (path === "" || NO_PATH.test(path)) {
      throw usageError("--store", `${JSON.stringify(url)} names no file by its path: write sqlite:orders.db`);
    }
    return { kind: "sqlite", path };
  }
  const found = /^dynamodb:(?:\?(?<query>.*))?$/.exec(url);
  if (!found) throw usageError("--store", `${JSON.stringify(url)} is no store: write ${FORMS}`);
  const parameters = new URLSearchParams(found.groups?.["query"]);
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw usageError("--store", `the store has no parameter ${unknown}: it takes ${PARAMETERS.join(", ")}`);
  }
  const endpoint = parameters.get("endpoint") || undefined;
  if (endpoint !== undefined && !isHttp(endpoint)) {
    throw usageError("--store", `${JSON.stringify(endpoint)} is no endpoint: write http://127.0.0.1:8000, or https`);
  }
  const layout = parameters.get("layout") || undefined;
  if (layout !== undefined && layout !== "compatible" && layout !== "packed") {
    throw usageError("--store", `there is no layout ${JSON.stringify(layout)}: write layout=compatible, or packed`);
  }
  return {
    kind: "dynamodb",
    region: parameters.get("region") || undefined,
    endpoint,
    eventsTable: parameters.get("events") || "events",
    aggregatesTable: parameters.get("aggregates") || "aggregates",
    layout,
    feedsTable: parameters.get("feeds") || undefined,
    keysTable: parameters.get("keys") || undefined,
  };
}

/** Gives the address of a store, the same for each way to write it. */
export function storeUrl(location: StoreLocation): string {
  if (location.kind === "sqlite") return `sqlite:${location.path}`;
  const { region, endpoint, eventsTable, aggregatesTable, feedsTable, keysTable, layout } = location;
  const parameters = new URLSearchParams();
  if (region) parameters.set("region", region);
  if (endpoint) parameters.set("endpoint", endpoint);
  parameters.set("events", eventsTable);
  parameters.set("aggregates", aggregatesTable);
  if (layout) parameters.set("layout", layout);
  if (feedsTable) parameters.set("feeds", feedsTable);
  if (keysTable) parameters.set("keys", keysTable);
  return `dynamodb:?${parameters}`;
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
