/** What the compiler accepts and refuses of generated code. */
import type { Applied, Evaluations, Repository } from "protosource-es";
import { basketCommands } from "../golden/basket_protosource.js";
import { Urgency } from "../golden/ordered_pb.js";
import type { ParcelQueries } from "../golden/ordered_protosource.js";
import { Kind } from "../golden/sort_types_pb.js";
import type { SampleQueries } from "../golden/sort_types_protosource.js";
import { type Finished, State, type Task, type Worked } from "../golden/task_pb.js";
import {
  defineTask,
  type TaskAggregate,
  type TaskEvent,
  type TaskQueries,
  type TaskTypes,
  taskCommands,
  taskEvents,
} from "../golden/task_protosource.js";

export const task: TaskAggregate = defineTask({
  evaluate: {
    Open: (_task, { title }) => ({ proceed: { Opened: { title: title.trim() } } }),
    Finish: async ({ state }) => (state === State.WAITING ? "skip" : "proceed"),
  },
});

export const exhaustive: Required<Evaluations<TaskTypes>> = {
  Open: () => "proceed",
  Finish: () => "proceed",
  Assign: () => "skip",
};

// @ts-expect-error a command has no decision
export const incomplete: Required<Evaluations<TaskTypes>> = { Open: () => "proceed", Finish: () => "proceed" };

export const mistakes: readonly TaskAggregate[] = [
  // @ts-expect-error no command of this name
  defineTask({ evaluate: { Close: () => "proceed" } }),
  // @ts-expect-error no answer
  defineTask({ evaluate: { Finish: () => {} } }),
  // @ts-expect-error no such answer
  defineTask({ evaluate: { Finish: () => "stop" } }),
  // @ts-expect-error the command doesn't emit this event
  defineTask({ evaluate: { Open: () => ({ proceed: { Finished: {} } }) } }),
  // @ts-expect-error the event doesn't have this field
  defineTask({ evaluate: { Open: () => ({ proceed: { Opened: { amount: 1n } } }) } }),
  // @ts-expect-error the framework fills this field
  defineTask({ evaluate: { Open: () => ({ proceed: { Opened: { at: 1n } } }) } }),
];

export const messages: readonly (Task | TaskEvent | object)[] = [
  taskCommands.Open({ title: "Write" }),
  taskEvents.Opened({ version: 1n }),
  // @ts-expect-error no such field
  taskCommands.Open({ titel: "Write" }),
  // @ts-expect-error a number for a bigint
  taskEvents.Opened({ version: 1 }),
];

export async function apply(repository: Repository<TaskTypes>): Promise<Applied<Task, Worked | Finished>> {
  // @ts-expect-error a command of another aggregate
  await repository.apply(basketCommands.Take({}));
  const opened = await repository.apply(taskCommands.Open({}));
  // @ts-expect-error Open doesn't emit it
  const wrong: Applied<Task, Finished> = opened;
  return opened.skipped
    ? repository.apply(taskCommands.Finish({ id: wrong.id }))
    : repository.apply([taskCommands.Finish({})]);
}

export async function query(
  tasks: TaskQueries,
  samples: SampleQueries,
  parcels: ParcelQueries,
): Promise<readonly Task[]> {
  await samples.selectByBucket("b", { doubleValue: { eq: 1.5 }, limit: 10, reverse: true, cursor: "c" });
  await samples.selectByBucketWithInt64Value("b", { int64Value: { between: [1n, 2n] } });
  await samples.selectByBucketWithInt32Value("b", { int32Value: { lt: 3 } });
  await samples.selectByBucketWithStringValue("b", { stringValue: { beginsWith: "x" } });
  await samples.selectByBucketWithKind("b", { kind: { eq: Kind.SMALL } });
  // @ts-expect-error two comparisons
  await samples.selectByBucketWithInt64Value("b", { int64Value: { gt: 1n, lt: 2n } });
  // @ts-expect-error a number doesn't begin with a text
  await samples.selectByBucketWithInt64Value("b", { int64Value: { beginsWith: 1n } });
  // @ts-expect-error a number for a bigint
  await samples.selectByBucketWithInt64Value("b", { int64Value: { eq: 1 } });
  // @ts-expect-error floats have no order in keys
  await samples.selectByBucket("b", { doubleValue: { gt: 1.5 } });
  // @ts-expect-error enums have no order
  await samples.selectByBucketWithKind("b", { kind: { ge: Kind.SMALL } });
  await parcels.selectByDepotWithWeight("d", { weight: { between: [0.5, 2] } });
  await parcels.selectByDepotWithUrgency("d", { urgency: { ge: Urgency.LOW } });
  // @ts-expect-error bools have no order
  await samples.selectByBucketWithBoolValue("b", { boolValue: { lt: true } });
  // @ts-expect-error not a field of the sort key
  await samples.selectByBucketWithKind("b", { title: { eq: "x" } });
  // @ts-expect-error no partition
  await tasks.selectByOwner();
  // @ts-expect-error a leading field is a value
  await tasks.selectByOwner("ann", { state: { eq: State.OPEN } });
  // @ts-expect-error the last field is a comparison
  await tasks.selectByOwner("ann", { state: State.OPEN, modifyAt: 1n });
  const page = await tasks.selectByOwner("ann", { state: State.OPEN, modifyAt: { ge: 1n } });
  return page.items;
}
