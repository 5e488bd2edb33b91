/** What the API of the studio tells of a domain, without a browser. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DomainInfo, type Refusal, schemasOf, studioApi } from "protosource-cli/studio";
import { MemoryStore } from "protosource-es/memory";
import { afterAll, expect, it } from "vitest";
import { order } from "../../../../examples/orders/src/order.js";
import { sessionAggregate } from "../../../../examples/sessions/src/session.js";
import { loadSchemas } from "../../src/load-schemas.js";
import { buildImage } from "../images.js";
import { person } from "../people.js";

const session = sessionAggregate({ isBanned: async () => false, isCodeOf: async () => true });
const api = studioApi({ store: new MemoryStore(), schemas: schemasOf([order, person, session]) });

async function domainOf(type: string, ask = api): Promise<DomainInfo> {
  const response = await ask(new Request(`http://localhost/api/domain?type=${type}`));
  expect(response.status).toBe(200);
  return (await response.json()) as DomainInfo;
}

it("tells the states, what leads to them, and what each command emits", async () => {
  const { states, transitions, commands, events } = await domainOf("example.app.order.v1.Order");
  expect(states.every(({ reached }) => reached)).toBe(true);
  expect(transitions).toContainEqual({ from: "STATE_PLACED", to: "STATE_PAID", command: "Pay" });
  expect(commands.find(({ name }) => name === "Cancel")?.allowedStates).toHaveLength(3);
  expect(events).toContainEqual({ name: "Paid", setsState: "STATE_PAID", emittedBy: ["Pay"] });
});

it("tells of fields which keys they are in, whose they are, and that only code sets them", async () => {
  const { messages } = await domainOf("example.app.order.v1.Order");
  const fields = messages.find(({ role }) => role === "aggregate")?.fields;
  expect(fields).toContainEqual({
    ...{ name: "customer_id", number: 4, type: "string", keys: ["gsi1pk"], rules: [] },
  });
  expect(fields).toContainEqual({
    ...{ name: "total_cents", number: 10, type: "int64", keys: [], derived: true, rules: [] },
  });
  expect(fields?.find(({ name }) => name === "items")?.type).toBe("map<string, LineItem>");
  const people = await domainOf("example.app.people.v1.Person");
  expect(people.messages[0]?.fields.find(({ name }) => name === "name")?.personal).toBe("id");
});

it("tells what fields have to keep", async () => {
  const { messages } = await domainOf("example.app.session.v1.Session");
  const code = messages.find(({ name }) => name === "Confirm")?.fields.find(({ name }) => name === "code");
  expect(code?.rules).toEqual(['pattern: "^[0-9]{6}$"']);
});

it("warns of what can't be reached, and has the comments that descriptors have", async () => {
  const folder = mkdtempSync(join(tmpdir(), "protosource-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const modules = ["examples/orders/proto", "packages/protoc-gen-protosource-es/test/proto/invalid"];
  const schemas = await loadSchemas({ descriptors: buildImage(join(folder, "image.binpb"), modules) });
  const fromImage = studioApi({ store: new MemoryStore(), schemas });
  const { warnings } = await domainOf("invalid.w7.Thing", fromImage);
  expect(warnings).toContain("No command leads to STATE_WAITING: give an event sets_state, or remove the state.");
  expect(warnings).toContain("Resume is never allowed: nothing leads to STATE_WAITING.");
  const orders = await domainOf("example.app.order.v1.Order", fromImage);
  expect(orders.warnings).toEqual([]);
  expect(orders.messages[0]?.comment).toBe("A customer's order, from the first item to the last state.");
});

it("refuses an aggregate that isn't known, and says what to do", async () => {
  const response = await api(new Request("http://localhost/api/domain?type=no.Such"));
  expect(response.status).toBe(400);
  const { error } = (await response.json()) as Refusal;
  expect(error).toMatchObject({ code: "invalid_argument" });
});
