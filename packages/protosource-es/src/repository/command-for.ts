/** Commands that are on their way to one aggregate, together with those to others. */
import type { Message } from "@bufbuild/protobuf";
import type { AggregateTypes, CommandOf, EventsFor } from "../aggregate/types.js";
import type { Repository } from "./repository.js";
import type { AggregateChoice, Applied } from "./repository-options.js";

/** A command, or several, to one aggregate of a repository. */
export interface CommandFor<T extends AggregateTypes, C extends CommandOf<T>> extends AnyCommandFor {
  readonly repository: Repository<T>;
  readonly command: (C & Message) | readonly (C & Message)[];
}

/** A command to an aggregate of any kind. */
export interface AnyCommandFor extends AggregateChoice {
  readonly repository: object;
  readonly command: Message | readonly Message[];
}

/** What came of each command, in their order. */
export type AppliedAll<L extends readonly AnyCommandFor[]> = {
  readonly [I in keyof L]: L[I] extends CommandFor<infer T, infer C> ? Applied<T["aggregate"], EventsFor<T, C>> : never;
};

/** Says which repository a command, or several to one aggregate, are for, as `applyAll` takes them. */
export function commandFor<T extends AggregateTypes, C extends CommandOf<T>>(
  repository: Repository<T>,
  command: C | readonly C[],
  options: AggregateChoice = {},
): CommandFor<T, C> {
  return { ...options, repository, command: command as CommandFor<T, C>["command"] };
}
