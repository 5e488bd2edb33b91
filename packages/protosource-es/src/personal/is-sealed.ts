/** Whether something of a message is sealed. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { personalPlan } from "./personal-plan.js";
import { addKeyIds } from "./sealing.js";

/** Tells whether a message, or one within it, has personal fields that haven't been opened. They read as empty. */
export function isSealed(schema: DescMessage, message: Message): boolean {
  const plan = personalPlan(schema);
  const keyIds = new Set<string>();
  if (plan !== undefined) addKeyIds(plan, message, keyIds);
  return keyIds.size > 0;
}
