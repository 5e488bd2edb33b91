/** A client that was generated from the OpenAPI of the orders, against their API: all that it is answered is as the document says. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import createClient, { type Client, type Middleware } from "openapi-fetch";
import { describe, expect, it } from "vitest";
import { orderApi } from "../src/api.js";
import type { components, paths } from "./orders_openapi.js";

const document = JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8"));
const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { int32: true, int64: true, uint64: true } });
addFormats.default(ajv);
ajv.addSchema(document, "document");

/** The schema of what a path answers, by whether it is carried out, and by its content type. */
function schemaOf(path: string, method: string, isOk: boolean, type: string): ValidateFunction {
  const keys = isOk
    ? ["paths", path, method, "responses", "200", "content", type, "schema"]
    : ["components", "responses", "Refused", "content", type, "schema"];
  const pointer = keys.map((key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
  return ajv.compile({ $ref: `document#/${pointer}` });
}

interface Asked {
  readonly client: Client<paths>;
  /** What was answered, each as `POST …/Place 200`. */
  readonly answers: string[];
}

/** Makes a client whose every answer is held to the document. */
function clientOf(user: string): Asked {
  const answers: string[] = [];
  const held: Middleware = {
    async onResponse({ request, response, schemaPath }) {
      answers.push(`${request.method} ${schemaPath.split("/").at(-1)} ${response.status}`);
      if (response.status === 304) return;
      const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
      const validate = schemaOf(schemaPath, request.method.toLowerCase(), response.ok, type);
      const json = await response.clone().json();
      expect([validate(json), validate.errors, json]).toEqual([true, null, json]);
    },
  };
  const client = createClient<paths>({
    baseUrl: "https://shop.example",
    fetch: (request: Request) => orderApi(request),
    headers: { "x-user": user },
  });
  client.use(held);
  return { client, answers };
}

const SERVICE = "/example.app.order.v1.OrderService";

describe("a client generated from the OpenAPI of the orders", () => {
  it("is the one that is compiled here", () => {
    const generator = join(createRequire(import.meta.url).resolve("openapi-typescript"), "../../bin/cli.js");
    const file = fileURLToPath(new URL("../openapi.json", import.meta.url));
    const types = execFileSync(process.execPath, [generator, file], { encoding: "utf8", stdio: "pipe" });
    expect(readFileSync(new URL("orders_openapi.ts", import.meta.url), "utf8")).toBe(types);
  });

  it("commands and reads, and is answered what the document says", async () => {
    const { client, answers } = clientOf("ann");
    const create = { body: { customerId: "c-7", customerName: "Ann" } };
    const { data: created } = await client.POST(`${SERVICE}/Create`, create);
    const id = created?.id ?? "";
    const item = { itemId: "lamp", priceCents: "9007199254740993", quantity: 2 };
    await client.POST(`${SERVICE}/AddItem`, { body: { id, item }, params: { header: { "If-Match": '"1"' } } });
    const params = { header: { "Idempotency-Key": "k-1" } };
    for (const replayed of [null, "true"]) {
      const { data, response } = await client.POST(`${SERVICE}/Place`, { body: { id, placedAt: "5" }, params });
      expect([data, response.headers.get("idempotency-replayed")]).toEqual([{ id, version: "3" }, replayed]);
    }
    const { data: order } = await client.POST(`${SERVICE}/GetOrder`, { body: { id, minVersion: "3" } });
    expect(order).toMatchObject({ state: "STATE_PLACED", items: { lamp: item } });
    await client.POST(`${SERVICE}/LoadOrder`, { body: { id } });
    await client.POST(`${SERVICE}/GetOrderSummary`, { body: { id } });
    const { data: page } = await client.POST(`${SERVICE}/SelectOrderByCustomerId`, {
      body: { customerId: "c-7", createAt: { between: { low: "0", high: "9223372036854775807" } } },
    });
    expect(page?.items?.map((row) => row.customerName)).toEqual(["Ann"]);
    const { data: history } = await client.POST(`${SERVICE}/GetOrderHistory`, { body: { id } });
    const priceOf = (event: components["schemas"]["example.app.order.v1.OrderEvent"]): string | undefined =>
      event["@type"] === "type.googleapis.com/example.app.order.v1.ItemAdded" ? event.item?.priceCents : undefined;
    expect(history?.events?.map(priceOf)).toEqual([undefined, "9007199254740993", undefined]);
    expect(answers.filter((answer) => !answer.endsWith(" 200"))).toEqual([]);
  });

  it("reads by GET, and is told when nothing has changed", async () => {
    const { client, answers } = clientOf("ann");
    const { data: created } = await client.POST(`${SERVICE}/Create`, { body: { customerId: "c-7" } });
    const message = JSON.stringify({ id: created?.id });
    const query = { connect: "v1", encoding: "json", message } as const;
    const { response } = await client.GET(`${SERVICE}/GetOrder`, { params: { query } });
    const tag = response.headers.get("etag") ?? "";
    await client.GET(`${SERVICE}/GetOrder`, { params: { query, header: { "If-None-Match": tag } } });
    expect(answers.slice(1)).toEqual(["GET GetOrder 200", "GET GetOrder 304"]);
  });

  it("is told of errors as the document says", async () => {
    const { client, answers } = clientOf("ann");
    await client.POST(`${SERVICE}/Place`, { body: { id: "nobody's" } });
    await client.POST(`${SERVICE}/GetOrder`, { body: { id: "nobody's" } });
    const { data: created } = await client.POST(`${SERVICE}/Create`, { body: { customerId: "c-7" } });
    const id = created?.id ?? "";
    const { error } = await client.POST(`${SERVICE}/Ship`, { body: { id } });
    expect(error).toMatchObject({ code: "failed_precondition", details: [{ debug: { state: "STATE_DRAFT" } }] });
    await client.POST(`${SERVICE}/Place`, { body: { id }, params: { header: { "If-Match": '"7"' } } });
    await client.POST(`${SERVICE}/Place`, { body: { id, actor: "eve" } as never });
    await client.POST(`${SERVICE}/Place`, { body: { id, placedAt: "soon" } });
    const unreadable = { body: { id }, headers: { "content-type": "text/plain" } };
    await client.POST(`${SERVICE}/Place`, unreadable);
    await clientOf("auditor").client.POST(`${SERVICE}/Place`, { body: { id } });
    expect(answers).toEqual([
      ...["POST Place 404", "POST GetOrder 404", "POST Create 200", "POST Ship 400", "POST Place 412"],
      ...["POST Place 400", "POST Place 400", "POST Place 415"],
    ]);
  });
});
