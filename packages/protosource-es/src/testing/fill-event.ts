import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { EventMessage } from "../aggregate/behaviour.js";
import { copyMessage } from "../repository/copy-message.js";

/** Gives a copy of an event, with what it doesn't say of its id, version, time and actor filled in. */
export function fillEvent(
  schema: DescMessage,
  event: Message,
  { id, version, at, actor }: Pick<EventMessage, "id" | "version" | "at" | "actor">,
): EventMessage {
  const copy = copyMessage(schema, event as EventMessage);
  copy.id ||= id;
  copy.version ||= version;
  copy.at ||= at;
  copy.actor ||= actor;
  return copy;
}
