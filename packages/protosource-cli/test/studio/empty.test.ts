/** What each screen says where there is nothing to show: what to do, such as which option to give. */
import { MemoryStore } from "protosource-es/memory";
import { beforeAll, expect, it } from "vitest";
import { schemasOf } from "../../src/schemas.js";
import type { StudioServer } from "../../src/studio/server.js";
import type { StudioOptions } from "../../src/studio/studio.js";
import { addressAt, demoOptions, serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

const ORDER = "id=example_app_order_v1%23o-1001";

type Lacking = "streams" | "descriptors" | "rows" | "subscriptions" | "nothing";

useBuiltPage();
const browser = useBrowser();
const servers = new Map<Lacking, StudioServer>();
beforeAll(async () => {
  const { store, opaqueStore, schemas, followed } = await demoOptions();
  const shown: { readonly [lacking in Lacking]: StudioOptions } = {
    streams: { store: new MemoryStore(), schemas },
    descriptors: { store, opaqueStore, schemas: schemasOf([]) },
    rows: { store, schemas, followed },
    subscriptions: { store, opaqueStore, schemas },
    nothing: { store, opaqueStore, schemas, followed },
  };
  for (const [lacking, options] of Object.entries(shown)) servers.set(lacking as Lacking, await serve(options));
});

it.each<[lacking: Lacking, at: string, says: string]>([
  ["streams", "view=streams", "They appear here once something is saved"],
  ["streams", "view=health", "A look finds what is wrong"],
  ["nothing", "view=streams&find=no-such", "Take a shorter beginning"],
  ["nothing", "view=stream&id=no-such%23one", "Look for its beginning in the box above"],
  ["nothing", "view=rows", "Fill in the form and find"],
  ["nothing", "view=subscriptions&of=customer-orders%401", "No stream stands still."],
  ["nothing", "view=subscriptions&id=no-such%23one", "Give the whole name, with what stands before the #."],
  ["nothing", "view=health&id=no-such%23one", "Give its whole name."],
  ["nothing", "view=no-such", "Take one of the bar."],
  ["descriptors", `view=stream&${ORDER}`, "--descriptors"],
  ["descriptors", `view=stream&${ORDER}&tab=what-if`, "--descriptors"],
  ["descriptors", "view=domain", "--descriptors image.binpb"],
  ["descriptors", "view=rows", "--descriptors image.binpb"],
  ["rows", "view=rows&index=1&is.customer_id=c-1", "rows"],
  ["subscriptions", "view=subscriptions", "--domain"],
])("says what to do without %s at %s", async (lacking, at, says) => {
  const page = await browser.open(addressAt(servers.get(lacking) as StudioServer, at));
  await page.locator(".notice").filter({ hasText: says }).first().waitFor();
  expect(await violations(page)).toEqual([]);
});
