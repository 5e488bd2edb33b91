import { isProtosourceError } from "protosource-es";
import { describe, expect, it } from "vitest";
import { parseStoreUrl, storeUrl } from "../../src/store-url.js";

describe("parseStoreUrl", () => {
  it("takes the path that follows sqlite:", () => {
    for (const path of ["orders.db", "./a b/orders.db", "/data/orders.db", "odd?name#.db", "C:\\orders.db"]) {
      expect(parseStoreUrl(`sqlite:${path}`)).toEqual({ kind: "sqlite", path });
    }
  });

  it("gives DynamoDB its defaults", () => {
    const defaults = { kind: "dynamodb", region: undefined, endpoint: undefined, layout: undefined };
    for (const url of ["dynamodb:", "dynamodb:?", "dynamodb:?region=&events="]) {
      const tables = { eventsTable: "events", aggregatesTable: "aggregates" };
      const others = { feedsTable: undefined, keysTable: undefined };
      expect(parseStoreUrl(url)).toEqual({ ...defaults, ...tables, ...others });
    }
  });

  it("reads each parameter", () => {
    const tables = "events=e-1&aggregates=a-1&feeds=f-1&keys=k-1";
    const url = `dynamodb:?region=eu-west-1&endpoint=http://127.0.0.1:8000&${tables}&layout=packed`;
    expect(parseStoreUrl(url)).toEqual({
      kind: "dynamodb",
      region: "eu-west-1",
      endpoint: "http://127.0.0.1:8000",
      eventsTable: "e-1",
      aggregatesTable: "a-1",
      layout: "packed",
      feedsTable: "f-1",
      keysTable: "k-1",
    });
  });

  it("gives back what storeUrl makes of it", () => {
    for (const url of [
      "sqlite:orders.db",
      "dynamodb:?region=x&endpoint=https://a.b/c&events=e-1&layout=compatible",
      "dynamodb:",
      "dynamodb:?feeds=f-1",
      "dynamodb:?keys=k-1",
    ]) {
      const location = parseStoreUrl(url);
      expect(parseStoreUrl(storeUrl(location))).toEqual(location);
    }
  });

  it("refuses anything else", () => {
    for (const url of [
      "",
      undefined,
      "sqlite:",
      "sqlite::memory:",
      "sqlite::MEMORY:",
      "sqlite:file:orders.db",
      "sqlite:sqlite:orders.db",
      "sqlite:orders.db?mode=ro",
      "sqlite://orders.db",
      "orders.db",
      "dynamodb",
      "dynamodb:eu-west-1",
      "dynamodb:?x=1",
      "dynamodb:?layout=dense",
      "sqlite",
    ]) {
      let thrown: unknown;
      try {
        parseStoreUrl(url);
      } catch (error) {
        thrown = error;
      }
      expect(isProtosourceError(thrown, "invalid_argument")).toBe(true);
    }
  });
});
