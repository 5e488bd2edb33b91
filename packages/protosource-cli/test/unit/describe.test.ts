/** `describe`: what is shown of an aggregate's states and commands. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildImage } from "../images.js";
import { type Ended, runHere } from "../run-here.js";

const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));
const image = join(folder, "image.binpb");
beforeAll(() => {
  buildImage(image, ["examples/orders/proto", "packages/protoc-gen-protosource-es/test/proto/invalid"]);
});

const describe = (...args: readonly string[]): Promise<Ended> => runHere(["describe", "--descriptors", image, ...args]);

it("tells how an order gets from one state into another, and what each command emits", async () => {
  const { code, stdout } = await describe("Order");
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.slice(0, 4)).toEqual([
    "example.app.order.v1.Order",
    "  new → STATE_DRAFT by Create",
    "  STATE_DRAFT → STATE_PLACED by Place",
    "  STATE_PLACED → STATE_PAID by Pay",
  ]);
  expect(lines).toContain("  Create (new): Created");
  expect(lines).toContain("  SetBilling (in any state): BillingSet");
  expect(lines).toContain("  Cancel (STATE_DRAFT, STATE_PLACED, STATE_PAID): Cancelled");
});

it("draws it for a page", async () => {
  const { stdout } = await describe("example.app.order.v1.Order", "--format", "mermaid");
  expect(stdout).toContain("```mermaid\nstateDiagram-v2\n  [*] --> STATE_DRAFT: Create\n");
  expect(stdout).toContain("  STATE_PAID --> STATE_CANCELLED: Cancel\n```\n");
  expect(stdout).toContain("| Place | STATE_DRAFT | Placed |\n");
});

it("shows the states that no command leads to", async () => {
  const { stdout } = await describe("invalid.w7.Thing", "--json");
  const { states, transitions } = JSON.parse(stdout) as {
    states: { name: string; reached: boolean }[];
    transitions: object[];
  };
  expect(states.filter(({ reached }) => !reached).map(({ name }) => name)).toEqual(["STATE_WAITING", "STATE_RESUMED"]);
  expect(transitions).toContainEqual({ from: "STATE_NEW", to: "STATE_OPEN", command: "Open" });
  expect((await describe("invalid.w7.Thing")).stdout).toContain("  no command leads to STATE_WAITING\n");
});

it.each([
  [["Nothing"], "there is no aggregate Nothing: there are "],
  [["--format", "png"], "write text or mermaid"],
  [["--descriptors", ""], "add --descriptors"],
])("refuses %j", async (args, problem) => {
  const { code, stdout, stderr } = await describe(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(problem);
});
