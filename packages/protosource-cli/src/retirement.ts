/** What a retired event is read as. */
import type { DescMessage, JsonValue, Message, Registry } from "@bufbuild/protobuf";
import { isProtosourceError, upcast } from "protosource-es";
import { messageJson } from "./message-json.js";
import type { KnownAggregate } from "./schemas.js";

/** Why an event is no longer emitted, and what the domain's code makes of it. */
export interface Retirement {
  readonly reason: string;
  /** The current event that it is read as, or that it is ignored; undefined where that isn't known. */
  readonly readAs?: "ignored" | { readonly type: string; readonly event: JsonValue };
  /** Why that isn't known although the code is. */
  readonly problem?: string;
}

/** Tells what becomes of an event that is retired; undefined for any other. */
export function retirementOf(
  known: KnownAggregate | undefined,
  event: Message,
  registry: Registry,
): Retirement | undefined {
  const retired = known?.definition.model.retired.find(({ schema }) => schema.typeName === event.$typeName);
  if (known === undefined || retired === undefined) return undefined;
  const { reason } = retired;
  if (!known.hasRules) return { reason };
  try {
    const current = upcast(known.definition, event);
    if (current === event) return { reason, readAs: "ignored" };
    const { $typeName: type } = current;
    const schema = registry.getMessage(type) as DescMessage;
    return { reason, readAs: { type, event: messageJson(schema, current, registry) } };
  } catch (error) {
    if (!isProtosourceError(error)) throw error;
    return { reason, problem: error.rawMessage };
  }
}
