/** The API in the page itself: it answers there as it does here. */
import { demoStore } from "@protosource-es/studio/demo";
import type { JSHandle } from "playwright-core";
import type { StoredRecord } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { expect, it } from "vitest";
import { schemasOf, studioApi } from "../../src/studio/index.js";
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
  for (const [id, all] of streams) await here.restore(id, all);
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
        await store.restore(id, records as readonly object[] as readonly StoredRecord[]);
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
