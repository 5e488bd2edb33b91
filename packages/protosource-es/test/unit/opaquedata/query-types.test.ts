import { MemoryOpaqueStore } from "protosource-es/memory";
import {
  type ExactSort,
  type NumberSort,
  type Page,
  type PageOptions,
  type QueryClient,
  type QueryOptions,
  queryClient,
  type TextSort,
} from "protosource-es/opaquedata";
import { expect, expectTypeOf, test } from "vitest";
import { Kind, type Sample, SampleSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";

test("a comparison has exactly one operator", () => {
  const text: TextSort[] = [{ eq: "a" }, { lt: "a" }, { beginsWith: "a" }, { between: ["a", "b"] }];
  const number: NumberSort<bigint>[] = [{ ge: 1n }, { between: [1n, 2n] }];
  const small: NumberSort<number>[] = [{ gt: 1 }];
  const exact: ExactSort<Kind>[] = [{ eq: Kind.LARGE }];
  const refused: unknown[] = [
    // @ts-expect-error two operators
    { gt: "a", lt: "b" } satisfies TextSort,
    // @ts-expect-error two operators
    { gt: 1n, lt: 2n } satisfies NumberSort<bigint>,
    // @ts-expect-error none
    {} satisfies TextSort,
    // @ts-expect-error a number has no beginning
    { beginsWith: "1" } satisfies NumberSort<bigint>,
    // @ts-expect-error one bound
    { between: [1n] } satisfies NumberSort<bigint>,
    // @ts-expect-error a number for a bigint
    { ge: 1 } satisfies NumberSort<bigint>,
    // @ts-expect-error a bigint for a number
    { ge: 1n } satisfies NumberSort<number>,
    // @ts-expect-error an enum has no order
    { ge: Kind.LARGE } satisfies ExactSort<Kind>,
  ];
  expect([text, number, small, exact, refused].map((list) => list.length)).toEqual([4, 2, 1, 1, 8]);
});

test("the options of a generated query fit the client", async () => {
  const client: QueryClient<typeof SampleSchema> = queryClient(SampleSchema, new MemoryOpaqueStore());
  /** What is generated for index 18. */
  const selectByConstructor = (
    constructor$: string,
    region: number,
    options?: QueryOptions<{ kind: Kind; int64Value: NumberSort<bigint> }>,
  ): Promise<Page<Sample>> => client.select(18, { constructor$, region }, options);
  const get = (id: string, options?: PageOptions): Promise<Sample | undefined> => client.get(id, options);

  expect(await selectByConstructor("c", 1, { kind: Kind.LARGE, int64Value: { ge: 0n }, limit: 1 })).toEqual({
    items: [],
  });
  expect(await selectByConstructor("c", 1, { kind: Kind.LARGE, int64Value: undefined })).toEqual({ items: [] });
  expect(await selectByConstructor("c", 1)).toEqual({ items: [] });
  expect(await get("a")).toBeUndefined();
  // @ts-expect-error a misspelled field
  await expect(selectByConstructor("c", 1, { kinds: Kind.LARGE })).rejects.toMatchObject({ code: "invalid_argument" });
  expectTypeOf(client.each(18, {})).toEqualTypeOf<AsyncGenerator<Sample, void, undefined>>();
});
