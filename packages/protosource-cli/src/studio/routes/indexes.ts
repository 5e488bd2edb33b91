import { keyModel } from "protosource-es/model";
import { keyedMessages } from "../../row-view.js";
import { indexesOf } from "../key-fields.js";
import type { KeyedMessages } from "../rows-contract.js";
import type { Route } from "../studio.js";

/** `indexes`: how the messages that are kept in rows are found. Free: no store is asked. */
export const indexes: Route = async ({ schemas }): Promise<KeyedMessages> => ({
  messages: keyedMessages(schemas).flatMap((schema) => {
    const model = keyModel(schema);
    return model ? [{ type: schema.typeName, name: schema.name, indexes: indexesOf(model) }] : [];
  }),
});
