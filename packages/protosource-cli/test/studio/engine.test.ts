/** The API in the page itself: it answers there as it does here. */
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { demoStore } from "@protosource-es/studio/demo";
import type { JSHandle } from "playwright-core";
import { Repository, type StoredRecord } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { expect, it } from "vitest";
import { LogInSchema } from "../../../../examples/sessions/gen/example/app/session/v1/session_v1_pb.js";
import { sessionAggregate } from "../../../../examples/sessions/src/session.js";
import { readDescriptors } from "../../src/load-schemas.js";
import { describedSchemas } from "../../src/schemas.js";
import type { Decided } from "../../src/studio/contract.js";
import { schemasOf, studioApi } from "../../src/studio/index.js";
import { buildImage } from "../images.js";
import { demoOptions, serve, useBrowser, useBuiltPage } from "./open-studio.js";

useBuiltPage();
const browser = useBrowser();

type Engine = typeof import("@protosource-es/studio/engine");

it("answers in the page as it does on a server, of compressed and of damaged records too", async () => {
  const { store } = await demoStore();
  const { records } = await store.load("example_app_order_v1#o-1007");
  const compressed = records.findIndex(({ data }) => data[0] === 0x1f && data[1] === 0x8b);
  const { data } = records[compressed] as StoredRecord;
  // One bit of the sum of what is compressed: everything unpacks, and isn't what was written.
  const changed = data.with(-8, (data.at(-8) as number) ^ 1);
  const streams: readonly (readonly [id: string, records: readonly StoredRecord[]])[] = [
    ["example_app_order_v1#whole", records],
    [
      "example_app_order_v1#changed",
      records.with(compressed, { ...(records[compressed] as StoredRecord), data: changed }),
    ],
    [
      "example_app_order_v1#cut",
      records.with(compressed, { ...(records[compressed] as StoredRecord), data: data.slice(0, -20) }),
    ],
  ];
  const here = new MemoryStore();
  // Each alone, as an export has them: what was saved at once has an id that no two stores share.
  for (const [id, all] of streams) for (const record of all) await here.restore(id, [record]);
  const answer = studioApi({ store: here, schemas: schemasOf([]) });
  const expected = await Promise.all(
    streams.map(async ([id]) =>
      (await answer(new Request(`http://studio/api/events?${new URLSearchParams({ id })}`))).json(),
    ),
  );
  const plain = streams.map(
    ([id, all]) => [id, all.map(({ version, ttl, data }) => ({ version, ttl, data: [...data] }))] as const,
  );
  const page = await browser.open((await serve(await demoOptions())).address);
  const engine = (await page.evaluateHandle('import("/engine.js")')) as JSHandle<Engine>;
  const found = await page.evaluate(
    async ({ engine, streams }) => {
      const { MemoryStore, schemasOf, studioApi } = engine;
      const store = new MemoryStore();
      for (const [id, all] of streams) {
        const records = all.map((one) => ({ ...one, data: new Uint8Array(one.data) }));
        for (const record of records as readonly object[] as readonly StoredRecord[]) await store.restore(id, [record]);
      }
      const answer = studioApi({ store, schemas: schemasOf([]) });
      return Promise.all(
        streams.map(async ([id]) =>
          (await answer(new Request(`http://studio/api/events?${new URLSearchParams({ id })}`))).json(),
        ),
      );
    },
    { engine, streams: plain },
  );
  expect(found).toEqual(expected);
  const damaged = expected.map(
    ({ events }) => events.filter(({ kind }: { kind: string }) => kind === "damaged").length,
  );
  expect(damaged).toEqual([0, 1, 1]);
});

it("decides commands whose fields have rules, and says that nobody checks these in a page", async () => {
  const path = join(tmpdir(), `sessions-${process.pid}.binpb`);
  const here = new MemoryStore();
  const login = create(LogInSchema, { tenantId: "t", device: "phone", address: "::1" });
  const rules = sessionAggregate({ isBanned: async () => false, isCodeOf: async () => true });
  await new Repository(rules, here).apply(login, { id: "s-1", actor: "ann" });
  const id = "example_app_session_v1#s-1";
  const { records } = await here.load(id);
  const url = `http://studio/api/what-if?${new URLSearchParams({ id, at: "1", command: "Confirm", fields: '{"code":"x"}' })}`;
  try {
    buildImage(path, ["proto-validate", "examples/sessions/proto"]);
    const checking = studioApi({ store: here, schemas: describedSchemas(readDescriptors(path)) });
    const checked: Decided = await (await checking(new Request(url))).json();
    expect(checked).toMatchObject({ events: [], refusal: { code: "validation_failed" } });
    expect(checked).not.toHaveProperty("fieldsUnchecked");
    const page = await browser.open((await serve(await demoOptions())).address);
    const engine = (await page.evaluateHandle('import("/engine.js")')) as JSHandle<Engine>;
    const found = await page.evaluate(
      async ({ engine, image, id, all, url }) => {
        const { MemoryStore, readDescriptorsFile, studioApi } = engine;
        const store = new MemoryStore();
        const records = all.map((one) => ({ ...one, data: new Uint8Array(one.data) }));
        await store.restore(id, records as readonly object[] as readonly StoredRecord[]);
        const schemas = await readDescriptorsFile(new File([new Uint8Array(image)], "image.binpb"));
        return (await studioApi({ store, schemas })(new Request(url))).json();
      },
      {
        ...{ engine, id, url, image: [...readFileSync(path)] },
        all: records.map(({ version, ttl, data }) => ({ version, ttl, data: [...data] })),
      },
    );
    expect(found).toMatchObject({ fieldsUnchecked: true, events: [{ type: "Confirmed" }] });
  } finally {
    rmSync(path, { force: true });
  }
});
