/** Whatever fails, and wherever: nobody is told what isn't his. */
import fc from "fast-check";
import type { ErrorCode } from "protosource-es";
import { describe, expect, it } from "vitest";
import { type Api, FAMILY, orderApi, SERVICE } from "./api.js";
import { errorOf, SECRET, TABLE } from "./error-table.js";

const RUNS = 30;

/** What belongs to bob, who is a tenant of his own: none of it is ever in a request of ann's. */
const BOBS = ["o-bob", "c-bob", "bob's street", "bob@example.com"];
/** A unique value that bob has, and ann may try to take. */
const TAKEN = "a name that is taken";

const STORE_CALLS = ["save", "load", "loadTail", "events"] as const;
const ROW_CALLS = ["get", "query"] as const;
const PLACES = [...STORE_CALLS, ...ROW_CALLS, "authorize", "guard", "evaluate", "sees", "onError"] as const;
type Place = (typeof PLACES)[number];

/** Fails where it is told to. */
interface Fault {
  readonly at: Place;
  readonly error: unknown;
}

interface FaultyApi extends Api {
  fault: Fault | undefined;
}

function faultyApi(): FaultyApi {
  const failAt = (place: Place): void => {
    if (api.fault?.at === place) throw api.fault.error;
  };
  const sees = (row: object): boolean => {
    failAt("sees");
    return (row as { readonly customerId?: string }).customerId !== "c-bob";
  };
  const api: FaultyApi = {
    fault: undefined,
    ...orderApi({
      rules: {
        unique: { name: ({ customerName }) => customerName },
        guard: () => failAt("guard"),
        evaluate: {
          SetShipping() {
            failAt("evaluate");
            return "proceed";
          },
        },
      },
      authorize(request) {
        failAt("authorize");
        return request.headers.get("x-user") === "bob" ? { actor: "bob" } : { actor: "ann", sees };
      },
      onError() {
        failAt("onError");
        return undefined;
      },
    }),
  };
  const failing = <T extends object>(target: T, names: readonly (keyof T & Place)[]): void => {
    for (const name of names) {
      const real = target[name] as (...args: unknown[]) => unknown;
      Object.defineProperty(target, name, {
        value(...args: unknown[]) {
          failAt(name);
          return real.apply(target, args);
        },
      });
    }
  };
  failing(api.store, STORE_CALLS);
  failing(api.store.opaqueStore, ROW_CALLS);
  return api;
}

/** An error of this package, of a rule's own, of a driver, or nothing that is an error at all. */
const errors = fc.oneof(
  fc.constantFrom(...(Object.keys(TABLE) as ErrorCode[])).map(errorOf),
  fc.constantFrom(new Error(SECRET), new TypeError(SECRET, { cause: new Error(SECRET) }), SECRET, { secret: SECRET }),
  fc.constant(Object.assign(new Error(SECRET), { code: "ECONNREFUSED", address: SECRET })),
);
const faults = fc.option(fc.record({ at: fc.constantFrom(...PLACES), error: errors }), { nil: undefined });

const requests = fc.record({
  rpc: fc.constantFrom("Create", "SetShipping", "GetOrder", "LoadOrder", "GetOrderHistory", "SelectOrderByCustomerId"),
  id: fc.constantFrom("o-ann", "o-new", "o-none", ""),
  customerName: fc.constantFrom(TAKEN, "another name"),
  key: fc.constantFrom(undefined, "k1", "k2"),
  protocol: fc.constantFrom("Connect", "GET", "gRPC-Web", "family", "problem"),
});

type Asked = typeof requests extends fc.Arbitrary<infer R> ? R : never;

function requestOf({ rpc, customerName, key, protocol, ...asked }: Asked, id: string = asked.id): Request {
  const isRead = rpc.startsWith("Get") || rpc.startsWith("Load") || rpc.startsWith("Select");
  const message = JSON.stringify({
    ...(rpc.startsWith("Select") ? { customerId: "c-ann" } : { id }),
    ...(rpc === "Create" ? { customerName, customerId: "c-ann" } : {}),
    ...(rpc === "SetShipping" ? { shippingAddress: "Dock 3" } : {}),
  });
  const headers = { "x-user": "ann", ...(key && { "idempotency-key": key }) };
  if (protocol === "Connect" || (protocol === "GET" && !isRead)) {
    const init = { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: message };
    return new Request(`${SERVICE}/${rpc}`, init);
  }
  if (protocol === "GET") {
    return new Request(`${SERVICE}/${rpc}?encoding=json&message=${encodeURIComponent(message)}`, { headers });
  }
  if (protocol === "gRPC-Web") {
    const head = Uint8Array.of(0, 0, 0, 0, message.length);
    const type = { "content-type": "application/grpc-web+json" };
    const body = new Blob([head, message]);
    return new Request(`${SERVICE}/${rpc}`, { method: "POST", headers: { ...headers, ...type }, body });
  }
  const accept = protocol === "family" ? "application/json" : "application/problem+json, application/json";
  const types = { ...headers, accept, "content-type": "application/json" };
  if (!isRead) return new Request(`${FAMILY}/${rpc.toLowerCase()}`, { method: "POST", headers: types, body: message });
  const paths: Readonly<Record<string, string>> = {
    GetOrder: encodeURIComponent(id),
    LoadOrder: `load/${encodeURIComponent(id)}`,
    GetOrderHistory: `${encodeURIComponent(id)}/history`,
  };
  return new Request(`${FAMILY}/${paths[rpc] ?? "query/by-customer-id?customer_id=c-ann"}`, { headers: types });
}

/** All that a caller is told, in every encoding that may be in it. */
async function toldBy(answer: Response): Promise<string> {
  const text = await answer.text();
  const base64 = [...text.matchAll(/[\w+/-]{16,}/g)].map(([found]) => Buffer.from(found, "base64").toString("latin1"));
  return decodeURIComponent(
    [text, ...[...answer.headers].flat()].join("\n").replaceAll(/%(?![\da-f]{2})/gi, "%25"),
  ).concat(...base64);
}

describe("whatever fails, by every protocol", () => {
  it("no answer has a secret, a stack, or anything of another tenant's", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(requests, faults), { minLength: 1, maxLength: 8 }), async (steps) => {
        const api = faultyApi();
        const bob = { "x-user": "bob", "idempotency-key": "k1" };
        await api.post("Create", { id: "o-bob", customerId: "c-bob", customerName: TAKEN }, bob);
        await api.post("SetShipping", { id: "o-bob", shippingAddress: "bob's street" }, { "x-user": "bob" });
        for (const [asked, fault] of steps) {
          api.fault = fault;
          const told = await toldBy(await api.handle(requestOf(asked)));
          for (const secret of [SECRET, ...BOBS, "    at ", "node_modules", "ECONNREFUSED"]) {
            expect(told).not.toContain(secret);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("no answer has anything of another tenant's, whose ids a caller guesses", async () => {
    const api = faultyApi();
    const bob = { "x-user": "bob", "idempotency-key": "k1" };
    await api.post("Create", { id: "o-bob", customerId: "c-bob", customerName: TAKEN }, bob);
    await api.post("SetShipping", { id: "o-bob", shippingAddress: "bob's street" }, { "x-user": "bob" });
    await fc.assert(
      fc.asyncProperty(requests, faults, async (asked, fault) => {
        fc.pre(!["Create", "SetShipping"].includes(asked.rpc));
        api.fault = fault;
        const told = await toldBy(await api.handle(requestOf(asked, "o-bob")));
        for (const secret of [SECRET, "c-bob", "bob's street", TAKEN]) expect(told).not.toContain(secret);
      }),
      { numRuns: RUNS },
    );
  });
});
