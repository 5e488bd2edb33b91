import type { DescMessage, Message } from "@bufbuild/protobuf";
import { autoPKSK } from "../opaquedata/auto-pksk.js";
import type { Sealer } from "./keyring.js";
import { rowPlace } from "./places.js";

/** What a row is made of where the message has personal fields. */
export interface SealedRow {
  /** What its keys are made of: an HMAC stands for each personal value. */
  readonly message: Message;
  /** What it keeps. */
  readonly body: Message;
}

/** Seals a message for its row. */
export function sealedRow({ seal, blind }: Sealer, schema: DescMessage, message: Message): SealedRow {
  const keys = autoPKSK(schema);
  const place = rowPlace({ pk: keys.pk(message), sk: keys.sk(message) });
  return { message: blind(schema, message), body: seal(schema, message, place) };
}
