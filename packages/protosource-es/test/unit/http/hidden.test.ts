import { readFileSync } from "node:fs";
import type { DescMessage, DescService } from "@bufbuild/protobuf";
import { type AggregateTypes, defineAggregate, Repository } from "protosource-es";
import { familyRoutes, fetchHandler, serve } from "protosource-es/http";
import { MemoryStore } from "protosource-es/memory";
import { describe, expect, it } from "vitest";
import { compileProto } from "../../compile-proto.js";

const schemas = new URL("../../../../protoc-gen-protosource-es/test/", import.meta.url);
const registry = compileProto({
  "hidden.proto": readFileSync(new URL("proto/valid/hidden.proto", schemas), "utf8"),
  "hidden_service.proto": readFileSync(new URL("golden_services/hidden_service.proto", schemas), "utf8"),
});
const safe = registry.getMessage("example.hidden.v1.Safe") as DescMessage;
const service = registry.getService("example.hidden.v1.SafeService") as DescService;

describe("a service with hidden parts", () => {
  const store = new MemoryStore();
  const repository = new Repository(defineAggregate<AggregateTypes>(safe as never), store);
  const handle = fetchHandler({
    services: [serve(service, { repository, queries: store.opaqueStore })],
    routes: [familyRoutes],
    authorize: () => ({ actor: "ann" }),
  });
  const post = async (path: string, message: object): Promise<readonly [status: number, json: unknown]> => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message) };
    const answer = await handle(new Request(`https://bank.example/${path}`, init));
    return [answer.status, await answer.json()];
  };

  it("answers the aggregate where a command says so, and has no path for a hidden one", async () => {
    expect(await post(`${service.typeName}/Install`, { id: "s1" })).toMatchObject([200, { createBy: "ann" }]);
    for (const path of [`${service.typeName}/Rekey`, "example/hidden/v1/rekey"]) {
      expect((await post(path, { id: "s1", code: "1234" }))[0]).toBeGreaterThanOrEqual(404);
    }
  });

  it("leaves hidden events out of histories, and says where the page goes on all the same", async () => {
    const rekey = { $typeName: "example.hidden.v1.Rekey", id: "s1", actor: "job", code: "1234" };
    await repository.apply(rekey as never);
    const [, all] = await post(`${service.typeName}/GetSafeHistory`, { id: "s1" });
    expect(all).toMatchObject({ events: [{ version: "1" }] });
    expect(JSON.stringify(all)).not.toContain("1234");
    const [, second] = await post(`${service.typeName}/GetSafeHistory`, { id: "s1", pageSize: 1, pageToken: "2" });
    expect(second).toEqual({ nextPageToken: "3" });
  });
});
