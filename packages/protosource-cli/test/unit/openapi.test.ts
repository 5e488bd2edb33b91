/** `openapi`: the document is one, it says what the rules say, and what is hidden isn't in it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildImage } from "../images.js";
import { type Ended, runHere } from "../run-here.js";

const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));
const image = join(folder, "image.binpb");
beforeAll(() => {
  const plugin = "packages/protoc-gen-protosource-es/test";
  const generated = [`${plugin}/proto/valid`, `${plugin}/golden_services`];
  buildImage(image, ["proto-validate", "examples/orders/proto", "packages/protosource-cli/test/proto", ...generated]);
});

interface Document {
  readonly paths: Readonly<Record<string, { readonly post: object; readonly get?: object }>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const openapi = (...args: readonly string[]): Promise<Ended> => runHere(["openapi", image, ...args]);
const documentOf = async (...args: readonly string[]): Promise<Document> => JSON.parse((await openapi(...args)).stdout);

/** Knows the formats that JSON Schema leaves to OpenAPI. */
function schemas(document: Document): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, formats: { int32: true, int64: true, uint64: true } });
  addFormats.default(ajv);
  return ajv.addSchema(document, "document");
}

describe("the document", () => {
  it("is OpenAPI, and each of its schemas is one of JSON Schema", async () => {
    const servers = ["https://shop.example/api", "https://other.example"];
    const document = await documentOf("--get", "--server", ...servers, "--title", "All");
    const { valid, errors } = await new Validator().validate({ ...document });
    expect([errors, valid]).toEqual([undefined, true]);
    const names = Object.keys(document.components.schemas);
    expect(names.length).toBeGreaterThan(50);
    schemas(document).compile({ anyOf: names.map((name) => ({ $ref: `document#/components/schemas/${name}` })) });
  });

  it("of the orders is the one beside the example", async () => {
    const { stdout } = await openapi("--service", "OrderService", "--get");
    const known = new URL("../../../../examples/orders/openapi.json", import.meta.url);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(known, "utf8")));
  });

  it("leaves out what is hidden, and the actor, whom the server knows", async () => {
    const { paths, components } = await documentOf("--service", "rules.v1.RulesService", "OrderService", "SafeService");
    expect(Object.keys(paths)).toContain("/rules.v1.RulesService/Check");
    expect(components.schemas["example.app.order.v1.Place"]).toMatchObject({
      properties: { id: {}, placedAt: {} },
      required: ["id"],
    });
    expect(JSON.stringify(components.schemas["example.app.order.v1.Place"])).not.toContain("actor");
    expect(JSON.stringify(components.schemas["example.app.order.v1.Create"])).not.toContain("required");
    expect(JSON.stringify(components.schemas["example.hidden.v1.SafeEvent"])).toContain("hidden.v1.Installed");
    expect(JSON.stringify([paths, components])).not.toContain("Rekey");
  });

  it("is there for one service, or for none that it knows", async () => {
    expect(await openapi("--service", "PriceService")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("there is no service PriceService: there are example.basket.v1.BasketService, "),
    });
    const without = join(folder, "without.binpb");
    buildImage(without, ["packages/protoc-gen-protosource-es/test/proto/invalid"]);
    expect(await runHere(["openapi", without])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("generate it by protoc-gen-protosource-service first"),
    });
  });
});

/** What each message of the rules is, so that it keeps all of them. */
const KEPT: Readonly<Record<string, Readonly<Record<string, JsonValue>>>> = {
  Text: { needed: "x", longEnough: "xx" },
  Numbers: { aboveZero: "1", colour: "COLOUR_RED", notZero: 1 },
  Many: { some: ["ab"], inner: { a: "x" }, first: "f" },
  Others: {},
};

/** The fields of which a schema says less than their rules. */
const IN_WORDS = new Set([
  "byteLengths",
  "re2Pattern",
  "expression",
  "far",
  "at",
  "lasting",
  "inner",
  "bytes",
  "hostname",
  "address",
]);

const TEXTS: readonly JsonValue[] = [
  ...["", "a", "ab", "abc", "abcd", "abcde", "a.b", "axb", "a./b", "a.x/b", "abc1", "ABC", "cab", "ä", "ää", "äääää"],
  ...["ann@shop.example", "shop.example", "-shop", "127.0.0.1", "1.2.3", "::1", "https://shop.example/a?b=c", "🎈🎈"],
  ...["01890a5d-ac96-774b-bcce-b302099a8057", "01890a5dac96774bbcceb302099a8057", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
];
const BASE64: readonly JsonValue[] = ["", "YQ==", "YWI=", "YWJj", "YWJjZA=="];
const WHOLE: readonly JsonValue[] = [-11, -1, 0, 1, 5, 7, 10, 11];
const FRACTIONS: readonly JsonValue[] = [-1, 0, 0.5, 1, "NaN", "Infinity", "-Infinity"];
const WIDE: readonly JsonValue[] = ["-9223372036854775808", "-11", "-1", "0", "1", "5", "1000", "9223372036854775807"];

const POOLS: Readonly<Record<string, readonly JsonValue[]>> = {
  string: TEXTS,
  bytes: BASE64,
  int32: WHOLE,
  uint32: [0, 1, 6, 7],
  double: FRACTIONS,
  int64: WIDE,
  uint64: ["0", "1", "18446744073709551615"],
  bool: [true, false],
};

const COLOURS = ["COLOUR_UNSPECIFIED", "COLOUR_RED", "COLOUR_BLUE", "COLOUR_GREEN"];

/** Values of the fields that aren't of one scalar. */
const OWN: Readonly<Record<string, readonly JsonValue[]>> = {
  colour: COLOURS,
  warm: COLOURS,
  some: [[], ["ab"], ["ab", "ab"], ["ab", "cd"], ["ab", "cd", "ef"], ["a"]],
  named: [{}, { ab: 1 }, { a: 1 }, { ab: 0 }, { ab: 1, cd: 2 }],
  numbered: [{}, { "5": "a" }, { a: "b" }],
  colours: [[], COLOURS.slice(0, 3), COLOURS],
  inner: [{}, { a: "x" }, { b: "x" }, { a: "x", b: "y" }, { a: "x", within: { b: "x" } }, { c: "x" }],
  second: [1],
  at: ["2026-01-31T12:00:00Z", "2026-01-31", "3026-01-31T12:00:00Z"],
  lasting: ["1s", "2s", "2.5s", "2"],
  any: [{ "@type": "type.googleapis.com/rules.v1.Nothing" }, { "@type": "type.googleapis.com/rules.v1.Many" }, {}],
  text: ["", "ab", "abc"],
  wide: WIDE,
  struct: [{}, { a: [1] }],
  value: [1, "a", [], {}],
  mask: ["", "a,b"],
  nothing: [null],
  byBool: [{ true: {} }, { maybe: {} }],
};

function scalarName(field: DescField): string {
  return field.fieldKind === "scalar" ? ScalarType[field.scalar].toLowerCase() : "";
}

describe("the schema of a request", () => {
  it("refuses what its rules refuse, as far as a schema can say it, and nothing else", async () => {
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
    const { validate } = createValidator({ registry });
    const isKept = (schema: DescMessage, json: JsonValue): boolean => {
      try {
        return validate(schema, fromJson(schema, json, { registry })).kind === "valid";
      } catch {
        return false;
      }
    };
    const ajv = schemas(await documentOf("--service", "RulesService"));
    const differences: unknown[] = [];
    let refused = 0;
    for (const [name, kept] of Object.entries(KEPT)) {
      const schema = registry.getMessage(`rules.v1.${name}`) as DescMessage;
      const fits = ajv.compile({
        $ref: `document#/components/schemas/rules.v1.${name === "Others" ? "Others-Input" : name}`,
      });
      expect([fits(kept), isKept(schema, kept)]).toEqual([true, true]);
      for (const field of schema.fields) {
        const { [field.jsonName]: _, ...left } = kept;
        const pool = OWN[field.jsonName] ?? POOLS[scalarName(field)] ?? [];
        for (const json of [left, ...pool.map((value) => ({ ...left, [field.jsonName]: value }))]) {
          const [bySchema, byRules] = [fits(json), isKept(schema, json as JsonValue)];
          if (!byRules) refused++;
          const isRight = bySchema === byRules || (bySchema && IN_WORDS.has(field.jsonName));
          if (!isRight) differences.push({ name, json, bySchema, byRules });
        }
      }
    }
    expect(differences).toEqual([]);
    expect(refused).toBeGreaterThan(300);
  });
});
