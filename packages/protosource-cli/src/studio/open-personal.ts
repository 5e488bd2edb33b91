/** Opening what is personal, when it is asked for. */
import type { Message } from "@bufbuild/protobuf";
import { fromRecord, isProtosourceError, type ScannedRecord } from "protosource-es";
import { usageError } from "../failure.js";
import type { Payload } from "../payload.js";
import type { KnownAggregate, Schemas } from "../schemas.js";

/** Opens the events of one aggregate. */
export interface EventOpener {
  /** Gives an event with its personal fields opened; as it is where it can't be. Throws `key_missing`. */
  open(scanned: ScannedRecord, event: NonNullable<Payload["event"]>): Promise<Message>;
}

/**
 * Gives what opens the events of an aggregate, where the request asks for it; undefined where it doesn't. Throws
 * `invalid_argument` where there are no keys.
 */
export function openerFor(
  { keyring, serializer }: Schemas,
  { definition }: KnownAggregate,
  query: URLSearchParams,
): EventOpener | undefined {
  if (query.get("personal") !== "shown") return undefined;
  if (keyring === undefined) {
    throw usageError(
      "personal",
      "personal fields can't be opened here: give --domain with the keyring of the repository",
    );
  }
  return {
    async open({ record }, { schema, message }) {
      try {
        const open = await keyring.opener([[schema, message]]);
        return fromRecord(definition, record, { serializer, open });
      } catch (error) {
        // What is damaged or of another aggregate is shown as far as it can be read.
        if (isProtosourceError(error, "corrupt_record") || isProtosourceError(error, "unhandled_event")) return message;
        throw error;
      }
    },
  };
}
