/** Descriptors from strangers: they may be of another domain, broken, or hold what looks like our annotations. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FileOptionsSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { isProtosourceError } from "protosource-es";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoadedSchemas, loadSchemas } from "../../src/load-schemas.js";
import { findKeyed } from "../../src/row-view.js";
import { buildImage } from "../images.js";

const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "set.binpb");

async function load(bytes: Uint8Array): Promise<LoadedSchemas> {
  writeFileSync(path, bytes);
  return loadSchemas({ descriptors: path });
}

const set = (...file: FileDescriptorProto[]): Uint8Array =>
  toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));

/** A file whose options hold these bytes under the numbers of our annotations. */
function strange(data: Uint8Array, wireType: number): FileDescriptorProto {
  const unknown = (no: number): { no: number; wireType: number; data: Uint8Array }[] => [{ no, wireType, data }];
  const file = create(FileDescriptorProtoSchema, { name: "strange.proto", package: "strange", syntax: "proto3" });
  file.options = create(FileOptionsSchema);
  file.options.$unknown = unknown(1298);
  const message = create(DescriptorProtoSchema, { name: "Thing", options: create(MessageOptionsSchema) });
  if (message.options) message.options.$unknown = unknown(1297);
  const options = create(FieldOptionsSchema);
  options.$unknown = unknown(1296);
  message.field.push(
    create(FieldDescriptorProtoSchema, {
      name: "id",
      number: 1,
      type: FieldDescriptorProto_Type.STRING,
      label: FieldDescriptorProto_Label.OPTIONAL,
      options,
    }),
  );
  file.messageType.push(message);
  return file;
}

describe("loadSchemas", () => {
  let image: Uint8Array;
  beforeAll(async () => {
    const { readFileSync } = await import("node:fs");
    image = readFileSync(buildImage(join(folder, "image.binpb")));
  });

  it("knows nothing without sources", async () => {
    const { aggregates, problems, registry } = await loadSchemas({});
    expect({ aggregates, problems, types: [...registry] }).toEqual({ aggregates: [], problems: [], types: [] });
  });

  it("reads what buf build makes, gzipped or not", async () => {
    for (const bytes of [image, gzipSync(image)]) {
      const { aggregates, problems } = await load(bytes);
      const names = aggregates.map(({ definition }) => definition.schema.typeName);
      expect(names).toEqual(expect.arrayContaining(["example.app.order.v1.Order", "example.app.test.v1.Test"]));
      // The test schemas hold one whose keys can't be used, which is no matter for the others.
      expect(problems.length).toBeLessThan(2);
    }
  });

  it("takes a set of another domain, and says what isn't an aggregate", async () => {
    const plain = await load(
      set(create(FileDescriptorProtoSchema, { name: "a.proto", package: "a", syntax: "proto3" })),
    );
    expect(plain).toMatchObject({ aggregates: [], problems: [] });
    // An aggregate by its annotation (role 3), without the fields that one has.
    const { aggregates, problems } = await load(set(strange(Uint8Array.of(2, 0x1a, 0x00), 2)));
    expect(aggregates).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^strange\.proto: /)]);
  });

  it("never fails for annotations that aren't ours", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 30 }), fc.constantFrom(0, 1, 2, 5), async (data, wireType) => {
        const bytes = wireType === 2 ? Uint8Array.of(data.length, ...data) : data;
        const schemas = await load(set(strange(wireType === 0 ? Uint8Array.of(1) : bytes, wireType))).catch(onlyUsage);
        try {
          if (schemas) findKeyed(schemas, "Thing");
        } catch (error) {
          onlyUsage(error);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("refuses what is no set of descriptors, and never fails in another way", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }), async (at, bytes) => {
        const broken = new Uint8Array(image);
        broken.set(bytes, at % (broken.length - bytes.length));
        await load(broken).catch(onlyUsage);
        await load(broken.subarray(0, at % broken.length)).catch(onlyUsage);
      }),
      { numRuns: 30 },
    );
  });
});

function onlyUsage(error: unknown): undefined {
  if (!isProtosourceError(error, "invalid_argument")) throw error;
  return undefined;
}

describe("the fingerprint of a domain", () => {
  it("is the same for the same messages, and another for other ones", async () => {
    const bytes = readFileSync(buildImage(join(folder, "image-of-domain.binpb")));
    const { fingerprint } = await load(bytes);
    expect((await load(gzipSync(bytes))).fingerprint).toBe(fingerprint);
    const { file } = fromBinary(FileDescriptorSetSchema, bytes);
    const order = file.flatMap(({ messageType }) => messageType).find(({ name }) => name === "Order");
    order?.field.push(
      create(FieldDescriptorProtoSchema, {
        name: "note",
        number: 99,
        type: FieldDescriptorProto_Type.STRING,
        label: FieldDescriptorProto_Label.OPTIONAL,
      }),
    );
    expect((await load(set(...file))).fingerprint).not.toBe(fingerprint);
  });

  it("is that of nothing for sources that are empty, as an unset variable leaves them", async () => {
    const empty = await loadSchemas({ descriptors: "", domain: "" });
    expect(empty).toMatchObject({ aggregates: [], problems: [] });
    expect(empty.fingerprint).toBe((await loadSchemas({})).fingerprint);
  });
});
