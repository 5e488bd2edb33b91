import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { servicePlugin } from "protoc-gen-protosource-es";
import { describe, expect, it } from "vitest";
import { compile, generate, run } from "./generate.js";

const set = compile("valid");
const schemas = readdirSync(new URL("proto/valid/", import.meta.url));
const golden = new URL("golden_services/", import.meta.url);

function generateServices(files = schemas): ReadonlyMap<string, string> {
  const { error, file } = generate(set, files, "", servicePlugin);
  expect(error).toBe("");
  return new Map(file.map(({ name, content }) => [name, content]));
}

const generated = generateServices();

describe("services", () => {
  it("are made for each enabled file and no other", () => {
    const without = schemas.filter((name) => !generated.has(name.replace(".proto", "_service.proto")));
    expect(without).toEqual(["types.proto"]);
  });

  it.each([...generated.keys()])("are as committed: %s", async (name) => {
    await expect(generated.get(name)).toMatchFileSnapshot(new URL(name, golden).pathname);
  });

  it("have the same bytes whatever the order of the files and their company", () => {
    for (const [name, content] of generated) {
      expect([...generateServices([name.replace("_service.proto", ".proto")])]).toEqual([[name, content]]);
    }
    expect(generateServices(schemas.toReversed())).toEqual(generated);
  });

  it("aren't made of a file that is wrong, nor of one whose names they need", async () => {
    const wrong = generate(compile("invalid"), ["c3.proto"], "", servicePlugin);
    expect(wrong).toMatchObject({ file: [], error: expect.stringContaining("[C3]") });
    const taken = generate(compile("invalid_service"), ["r1.proto"], "", servicePlugin);
    expect(taken.file).toEqual([]);
    const expected = new URL("proto/invalid_service/r1.txt", import.meta.url);
    await expect(`${taken.error}\n`).toMatchFileSnapshot(expected.pathname);
  });
});

describe("buf, given the services", () => {
  const test = "packages/protoc-gen-protosource-es/test";
  const modules = ["proto", `${test}/proto/valid`, `${test}/golden_services`];
  // The schemas of the tests share a folder, and one has a command called delete.
  const except = ["PACKAGE_DIRECTORY_MATCH", "DIRECTORY_SAME_PACKAGE", "RPC_PASCAL_CASE"];
  const lint = { use: ["STANDARD"], except };
  const config = JSON.stringify({ version: "v2", modules: modules.map((path) => ({ path })), lint });
  const services = [...generated.keys()].flatMap((name) => ["--path", `${test}/golden_services/${name}`]);

  it("compiles them, with an rpc for each command and reads without side effects", () => {
    const built = createFileRegistry(
      fromBinary(FileDescriptorSetSchema, run("buf", "build", "--config", config, "--output", "-")),
    );
    const service = built.getService("example.hidden.v1.SafeService") as DescService;
    const rpcs = service.methods.map(({ name, idempotency, output }) => [
      name,
      idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
      output.name,
    ]);
    expect(rpcs).toEqual([
      ["Install", false, "Safe"],
      ["GetSafe", true, "Safe"],
      ["LoadSafe", true, "Safe"],
      ["GetSafeHistory", true, "SafeHistoryPage"],
    ]);
  });

  it("finds nothing in them to mend, nor to format", () => {
    run("buf", "lint", "--config", config, ...services);
    expect(String(run("buf", "format", "--diff", `${test}/golden_services`))).toBe("");
  });

  it("generates clients from them", () => {
    const out = mkdtempSync(join(tmpdir(), "clients-"));
    const plugins = [{ local: "protoc-gen-es", out, strategy: "all", opt: ["target=ts"] }];
    const template = JSON.stringify({ version: "v2", plugins, inputs: [{ directory: "." }] });
    run("buf", "generate", "--config", config, "--template", template, ...services);
    const clients = [...generated.keys()].map((name) => name.replace(".proto", "_pb.ts"));
    expect(readdirSync(out).sort()).toEqual(clients.sort());
    rmSync(out, { recursive: true });
  });
});
