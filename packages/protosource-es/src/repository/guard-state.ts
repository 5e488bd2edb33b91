/** Step 4: whether the command is allowed in the state that the aggregate is in. */
import type { Message } from "@bufbuild/protobuf";
import type { Behaviour, CommandBehaviour } from "../aggregate/behaviour.js";
import { ProtosourceError } from "../errors.js";

/** Checks the state against `allowed_states`. Throws `state_not_allowed`. */
export function guardState(
  { stateOf }: Behaviour,
  { schema, allowedStates }: CommandBehaviour,
  aggregate: Message,
  aggregateId: string,
): void {
  if (allowedStates.length === 0) return;
  const state = stateOf(aggregate);
  if (allowedStates.includes(state)) return;
  throw new ProtosourceError(
    "state_not_allowed",
    `${schema.name} isn't allowed for ${aggregateId} in ${state}, only in ${allowedStates.join(", ")}`,
    { aggregateId, state, allowed: allowedStates },
  );
}
