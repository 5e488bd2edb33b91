/** A store of which one call fails, in each way: the answer that needs it says so, whichever call it is, and the next is whole. */
import { demoStore, order } from "@protosource-es/studio/demo";
import { ProtosourceError } from "protosource-es";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { schemasOf } from "../../src/schemas.js";
import type { StudioOptions } from "../../src/studio/studio.js";
import { answering, type Question, READERS, SCANNERS } from "./answers.js";

const unavailable = { operation: "Query", outcome: "not_applied" } as const;

/** As stores throw them. */
const WAYS: readonly (readonly [way: string, status: number, error: ProtosourceError])[] = [
  [
    "doesn't answer",
    503,
    new ProtosourceError("unavailable", "Query on events wasn't answered after 8 attempts (ECONNREFUSED): try again", {
      ...unavailable,
      reasons: ["ECONNREFUSED"],
    }),
  ],
  [
    "throttles",
    503,
    new ProtosourceError("unavailable", "Query on events wasn't answered after 8 attempts: check its capacity", {
      ...unavailable,
      reasons: ["ProvisionedThroughputExceededException", "TableReadKeyRangeThroughputExceeded"],
    }),
  ],
  ["denies it", 403, new ProtosourceError("denied", "Query on events was denied: check it", { reason: "HTTP 403" })],
  [
    "lost its table",
    502,
    new ProtosourceError("table_missing", "the table events doesn't exist: make it", { table: "events" }),
  ],
];

const QUESTIONS: readonly Question[] = [
  ...READERS,
  ...SCANNERS,
  ["subscriptions", {}],
  ["parked", { subscription: "mails" }],
  ["positions", { id: "example_app_order_v1#o-1012" }],
  ["health", {}],
  ["tables", {}],
];

/** The calls of the store since the last answer was asked for. */
const calls: string[] = [];
let failing: { readonly call: number; readonly error: ProtosourceError } | undefined;
let options: StudioOptions;

/** Notes each call, and has one of them fail. */
function watched<T extends object>(part: T): T {
  return new Proxy(part, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== "function") return found;
      return (...args: unknown[]) => {
        const call = calls.push(String(name)) - 1;
        if (call !== failing?.call) return found.apply(target, args);
        const { error } = failing;
        return name === "events" ? rejectingEach(error) : Promise.reject(error);
      };
    },
  });
}

function rejectingEach(error: ProtosourceError): AsyncIterableIterator<never> {
  const next = (): Promise<never> => Promise.reject(error);
  return { next, [Symbol.asyncIterator]: () => rejectingEach(error) };
}

beforeAll(async () => {
  // What a command would make says when.
  vi.useFakeTimers({ toFake: ["Date"] });
  const { store, opaqueStore, followed } = await demoStore();
  options = {
    store: watched(store),
    opaqueStore: watched(opaqueStore),
    followed: { ...followed, store: watched(followed.store) },
    schemas: schemasOf([order]),
    ...watched({ checkTables: async () => [], estimate: async () => ({ records: 1 }) }),
  };
});
afterAll(() => {
  vi.useRealTimers();
});

/** Gives for each question its answer, and the calls that it takes. */
async function whole(): Promise<
  readonly { readonly question: Question; readonly answer: object; readonly calls: readonly string[] }[]
> {
  const found = [];
  for (const question of QUESTIONS) {
    calls.length = 0;
    const answer = await answering(options)(question);
    found.push({ question, answer, calls: [...calls] });
  }
  return found;
}

it("is asked for nothing by what is of the domain alone", async () => {
  const free = (await whole()).filter(({ calls }) => calls.length === 0).map(({ question: [route] }) => route);
  expect([...new Set(free)].toSorted()).toEqual(["about", "commands", "domain", "indexes"]);
});

describe.each(WAYS)("that %s", (_, status, error) => {
  it("is told by each answer, and read again by the next", async () => {
    const { code, rawMessage: message } = error;
    for (const { question, answer, calls: made } of await whole()) {
      // Of the calls of a kind the first one, and the last.
      const places = [...new Set(made)].flatMap((name) => [made.indexOf(name), made.lastIndexOf(name)]);
      for (const call of new Set(places)) {
        const ask = answering(options);
        calls.length = 0;
        failing = { call, error };
        const refused = await ask(question);
        failing = undefined;
        const of = { question, call: made[call], number: call };
        expect({ ...of, refused }).toEqual({ ...of, refused: [question[0], status, { error: { code, message } }] });
        expect(await ask(question)).toEqual(answer);
      }
    }
  });
});
