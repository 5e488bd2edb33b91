import { create, type DescMessage, type DescMethod } from "@bufbuild/protobuf";
import { fieldNamed } from "../aggregate/file-model.js";
import { invalid } from "../errors.js";
import { requireKeyModel } from "../opaquedata/auto-pksk.js";
import { indexAttributes, type KeyAttribute } from "../opaquedata/key-attribute.js";
import type { GsiNumber, OpaqueStore } from "../opaquedata/opaque-store.js";
import { queryClient } from "../opaquedata/query-client.js";
import { sortOptionName } from "../opaquedata/sort-plan.js";
import type { Call } from "./calls.js";
import { comparisonOf, keyFieldsReader, keyReader, keyValue, type PageRequest, pageSizeOf } from "./request-fields.js";

/** Makes the call that reads a page of an index. Rows that the caller may not see are left out of it. */
export function selectRows(
  { input, output, name }: DescMethod,
  index: number,
  queries: OpaqueStore,
): Pick<Call, "schema" | "run"> {
  const schema = fieldNamed(output, "items")?.message;
  if (schema === undefined) throw invalid("service", `${name} answers no items: generate the service again`);
  const client = queryClient(schema, queries);
  const partOf = partsOf(schema);
  const [pk, sk] = indexAttributes(index as GsiNumber | 0);
  const readPartition = keyFieldsReader(input, partOf(pk));
  const sort = partOf(sk).map((field, i, { length }) => {
    const read = keyReader(input, field);
    const isLast = i === length - 1;
    return {
      name: sortOptionName(field),
      read: (request: PageRequest) => {
        const value = read(request as never);
        return isLast ? comparisonOf(field, value) : keyValue(field, value);
      },
    };
  });
  return {
    schema,
    async run(message, { sees, signal }) {
      const request = message as unknown as PageRequest;
      const page = await client.select(index as GsiNumber | 0, readPartition(message), {
        ...Object.fromEntries(sort.map(({ name, read }) => [name, read(request)])),
        limit: pageSizeOf(request),
        reverse: request.reverse,
        cursor: request.pageToken === "" ? undefined : request.pageToken,
        signal,
      });
      const items = sees === undefined ? [...page.items] : page.items.filter(sees);
      return { message: create(output, { items, nextPageToken: page.cursor ?? "" } as Record<string, unknown>) };
    },
  };
}

function partsOf(schema: DescMessage) {
  const { templates } = requireKeyModel(schema);
  return (attribute: KeyAttribute) => (templates.get(attribute)?.parts ?? []).map(({ field }) => field);
}
