/** Exports and descriptors as a page reads them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { demoStore } from "@protosource-es/studio/demo";
import { isProtosourceError } from "protosource-es";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readDescriptors } from "../../src/load-schemas.js";
import { describedSchemas } from "../../src/schemas.js";
import { kindOfFile, readDescriptorsFile, readExportFile } from "../../src/studio/index.js";
import type { StudioOptions } from "../../src/studio/studio.js";
import { buildImage } from "../images.js";
import { runHere } from "../run-here.js";
import { answers } from "./answers.js";

const folder = mkdtempSync(join(tmpdir(), "studio-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { signal } = new AbortController();

let exported: Buffer;
let image: Buffer;
let shown: StudioOptions;

// What a command would make says when.
beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterAll(() => void vi.useRealTimers());

beforeAll(async () => {
  const path = join(folder, "orders.db");
  const database = openSqlite(path);
  const rows = new SqliteOpaqueStore(database);
  const store = new SqliteStore(database);
  const { store: made, opaqueStore } = await demoStore();
  for (const { aggregateId, record } of (await made.scan({ limit: 10_000 })).records) {
    await store.restore(aggregateId, [record]);
  }
  for (const row of (await opaqueStore.scan({ limit: 10_000 })).rows) await rows.put(row);
  image = readFileSync(buildImage(join(folder, "image.binpb"), ["examples/orders/proto"]));
  shown = { store, opaqueStore: rows, schemas: describedSchemas(readDescriptors(join(folder, "image.binpb"))) };
  const file = join(folder, "orders.jsonl");
  expect(await runHere(["export", "--store", `sqlite:${path}`, "--output", file])).toMatchObject({ code: 0 });
  exported = readFileSync(file);
});

function fileOf(name: string, data: Uint8Array | string): File {
  return new File([data as Uint8Array<ArrayBuffer>], name);
}

describe("an export", () => {
  it.each([
    ["as it is", (data: Uint8Array) => data],
    ["gzipped", (data: Uint8Array) => gzipSync(data)],
  ])("%s answers what the store answers that it is of", async (_, pack) => {
    const files = [fileOf("image", pack(image)), fileOf("export", pack(exported))] as const;
    expect(await Promise.all(files.map(kindOfFile))).toEqual(["descriptors", "export"]);
    const schemas = await readDescriptorsFile(files[0]);
    const { store, opaqueStore, problems } = await readExportFile(files[1], { signal });
    expect(problems).toEqual([]);
    const found = await answers({ store, opaqueStore, schemas });
    expect(found).toEqual(await answers(shown));
    expect(found.filter(([, status]) => status !== 200)).toEqual([]);
  });

  it("is shown as far as it goes where it was cut off, and says so", async () => {
    const lines = exported.toString().split("\n");
    const part = await readExportFile(fileOf("part.jsonl", lines.slice(0, 20).join("\n")), { signal });
    expect(part).toMatchObject({ events: 19, rows: 0, problems: [expect.stringContaining("line 20")] });
    const twice = [...lines.slice(0, 3), ...lines.slice(1, 3)].join("\n");
    const doubled = await readExportFile(fileOf("twice.jsonl", twice), { signal });
    expect(doubled.problems).toEqual([
      expect.stringContaining("Line 4 of twice.jsonl"),
      expect.stringContaining("Line 5 of twice.jsonl"),
      expect.stringContaining("without its end"),
    ]);
    expect((await doubled.store.scan({ limit: 10 })).records).toHaveLength(2);
  });

  it.each<[string, () => Uint8Array | string, string]>([
    ["another JSON", () => '{"orders":[]}\n', "line 1"],
    ["a broken line", () => exported.toString().replace('"version":"2"', '"version":2'), "line 3"],
    ["nothing", () => "", "empty"],
    ["damaged gzip", () => gzipSync(exported).subarray(0, 5_000), "damaged"],
    ["what comes behind its end", () => Buffer.concat([exported, exported]), "after the end"],
  ])("is refused with words for %s", async (_, data, words) => {
    const refused = readExportFile(fileOf("a.jsonl", data()), { signal });
    await expect(refused).rejects.toSatisfy((error) => isProtosourceError(error, "invalid_argument"));
    await expect(refused).rejects.toThrow(words);
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    const lines = exported.toString().split("\n").slice(0, -2);
    const long = Array.from({ length: 4 }, (_, i) =>
      lines.slice(1).map((line) => line.replace("example_app_order_v1#", `example_app_order_v1#${i}-`)),
    ).flat();
    const text = [lines[0], ...long].join("\n");
    const seen: number[] = [];
    const read = readExportFile(fileOf("long.jsonl", text), {
      signal: controller.signal,
      onLines: (number) => {
        seen.push(number);
        controller.abort();
      },
    });
    await expect(read).rejects.toSatisfy((error) => isProtosourceError(error, "cancelled"));
    expect(seen).toHaveLength(1);
    expect(text.split("\n", seen[0]).join("\n").length).toBeLessThan(300 * 1024);
  });

  it.each([
    ["as it is", (data: Uint8Array) => data],
    ["unpacked", (data: Uint8Array) => gzipSync(data)],
  ])("is refused where it is too large %s, with what to do", async (_, pack) => {
    const file = fileOf("large.jsonl", pack(exported));
    const read = readExportFile(file, { signal, maxBytes: Math.min(exported.length - 1, file.size * 2) });
    await expect(read).rejects.toThrow("protosource import");
    const whole = await readExportFile(file, { signal, maxBytes: exported.length });
    expect(whole.problems).toEqual([]);
  });

  it("tells of a few lines that are left out, and how many more there are", async () => {
    const lines = exported.toString().split("\n").slice(1, 11);
    const { problems } = await readExportFile(fileOf("twice.jsonl", [...lines, ...lines].join("\n")), { signal });
    expect(problems).toHaveLength(5);
    expect(problems[3]).toBe("7 more lines are left out.");
  });
});

describe("a file", () => {
  const gone = {
    name: "orders",
    size: 4096,
    slice: () => ({ arrayBuffer: fail }),
    stream: () => new ReadableStream({ pull: fail }),
  };

  async function fail(): Promise<never> {
    throw new DOMException("it is a folder", "NotReadableError");
  }

  it.each([
    ["by its kind", () => kindOfFile(gone)],
    ["as an export", () => readExportFile({ ...gone, slice: () => new Blob() }, { signal })],
    ["as descriptors", () => readDescriptorsFile({ ...gone, slice: () => new Blob() })],
  ])("that can't be read %s is told of with words, such as a folder", async (_, read) => {
    const refused = read();
    await expect(refused).rejects.toSatisfy((error) => isProtosourceError(error, "invalid_argument"));
    await expect(refused).rejects.toThrow("orders can't be read");
  });

  it("that is too large isn't read at all", async () => {
    const large = { ...gone, slice: () => new Blob(), size: 256 * 1024 * 1024 + 1 };
    await expect(readExportFile(large, { signal })).rejects.toThrow("protosource import");
    await expect(readDescriptorsFile(large)).rejects.toThrow("too large");
  });
});

it("takes descriptors up to a size, packed or not, and says where they unpack to more", async () => {
  const [plain, packed] = [fileOf("image.binpb", image), fileOf("image.binpb", gzipSync(image))];
  for (const file of [plain, packed]) {
    const { aggregates } = await readDescriptorsFile(file, { maxBytes: image.length });
    expect(aggregates).toHaveLength(1);
  }
  const maxBytes = image.length - 1;
  expect(packed.size).toBeLessThan(maxBytes);
  await expect(readDescriptorsFile(plain, { maxBytes })).rejects.toThrow("too large");
  await expect(readDescriptorsFile(packed, { maxBytes })).rejects.toThrow(`unpacks to more than ${maxBytes} bytes`);
  const cut = fileOf("image.binpb", gzipSync(image).subarray(0, -20));
  await expect(readDescriptorsFile(cut)).rejects.toThrow("it is damaged");
});

it("refuses what are no descriptors", async () => {
  const refused = readDescriptorsFile(fileOf("image.binpb", new Uint8Array([1, 2, 3])));
  await expect(refused).rejects.toSatisfy((error) => isProtosourceError(error, "invalid_argument"));
});
