import { create, type DescMessage, type DescMethod, type Message } from "@bufbuild/protobuf";
import type { AggregateTypes } from "../aggregate/types.js";
import { invalid } from "../errors.js";
import { CommandResponseSchema } from "../gen/funinthecloud/protosource/response/v1/response_v1_pb.js";
import type { Repository } from "../repository/repository.js";
import type { AnyApplied } from "../repository/repository-options.js";
import type { Call } from "./calls.js";

/** Makes the call that applies a command. It answers the aggregate where the rpc says so, else its id and version. */
export function applyCommand(
  { input, output, name }: DescMethod,
  repository: Repository<AggregateTypes>,
): Pick<Call, "commandScope" | "schema" | "run"> {
  const { aggregate } = repository;
  const schema = aggregate.schema as DescMessage;
  if (!aggregate.model.commands.some((command) => command.schema.typeName === input.typeName)) {
    throw invalid("repository", `${name} takes ${input.typeName}, which is no command of ${schema.typeName}`);
  }
  const answersAggregate = output.typeName === schema.typeName;
  return {
    schema,
    commandScope: `${schema.typeName}#command`,
    async run(command, { actor, expectedVersion, commandId, signal }) {
      const options = { actor, expectedVersion, commandId, signal };
      const applied = (await repository.apply(command as never, options)) as AnyApplied;
      const { id, version, aggregate, repeated } = applied;
      const message: Message = answersAggregate ? aggregate : create(CommandResponseSchema, { id, version });
      return { message, version, replayed: repeated };
    },
  };
}
