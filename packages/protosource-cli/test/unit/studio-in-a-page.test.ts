/** The API of the studio as a page has it in itself: what the documentation shows. */
import { demoStore, order } from "@protosource-es/studio/demo";
import { expect, it } from "vitest";
import { schemasOf, studioApi } from "../../src/studio/index.js";

it("answers from a store in memory", async () => {
  const { store } = await demoStore();
  const answer = studioApi({ store, schemas: schemasOf([order]) });
  const response = await answer(new Request("https://studio.example/api/streams"));
  const id = "example_app_order_v1#o-1007";
  expect(await response.json()).toMatchObject({ streams: expect.arrayContaining([expect.objectContaining({ id })]) });
});
