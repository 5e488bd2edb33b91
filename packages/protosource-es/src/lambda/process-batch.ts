/** Commands that come as messages of a queue. */
import type { AggregateTypes, CommandOf } from "../aggregate/types.js";
import { refuse } from "../http/refuse.js";
import { type Logger, steadyLogger } from "../logger.js";
import { type LambdaContext, withRemainingTime } from "../remaining-time.js";
import { forEach } from "../repository/for-each.js";
import type { Repository } from "../repository/repository.js";

/** A message of SQS, as far as it is looked at. */
export interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: { readonly MessageGroupId?: string | undefined };
}

/** What an event source mapping calls a function with. */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

/** What a function answers to a mapping with `ReportBatchItemFailures`: the messages that come again. */
export interface SqsBatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** How messages become commands, and what becomes of those that are refused. */
export interface ProcessBatchOptions<T extends AggregateTypes, R extends SqsRecord> {
  /** Gives the command in a message. What it throws refuses the message for good. */
  toCommand(record: R): CommandOf<T>;
  /** Who acts. By default who the command says. */
  actor?(record: R): string;
  /**
   * Takes a message that is refused for good, and why: it would be refused each time that it came. Put it where somebody
   * looks, such as into another queue. When it fails the message comes again.
   */
  onRefused(record: R, error: unknown): void | Promise<void>;
  /**
   * Tells whether an error that isn't of this package, such as one of a rule's own, refuses for good. None does by
   * default: the message comes again, as often as its queue says.
   */
  isRefusal?(error: unknown): boolean;
  /** The number of messages that are dealt with at a time, those of one group after the other; 10 by default. */
  readonly concurrency?: number | undefined;
  /** Takes why a message comes again. The console by default. */
  readonly logger?: Logger | undefined;
}

const DEFAULT_CONCURRENCY = 10;

/**
 * Applies the commands in the messages of a queue, each once: its `commandId` is the id of the message, so that a message
 * which comes twice has no effect the second time, for as long as the repository remembers: `commandIdSeconds`, a day by
 * default. The mapping needs `ReportBatchItemFailures`.
 *
 * A message comes again when the store is unavailable, when others were faster too often, when there is no time left, and
 * for errors that nobody knows. In a queue with groups all that follows it in its group comes again with it. One that is
 * refused for good goes to `onRefused`, and is done.
 */
export function processBatch<T extends AggregateTypes, R extends SqsRecord>(
  repository: Repository<T>,
  { Records }: { readonly Records: readonly R[] },
  context: LambdaContext,
  options: ProcessBatchOptions<T, R>,
): Promise<SqsBatchResponse> {
  const logger = steadyLogger(options.logger ?? console);
  const failed = new Set<string>();
  return withRemainingTime(context, async (signal) => {
    await forEach(groupsOf(Records), options.concurrency ?? DEFAULT_CONCURRENCY, async (group) => {
      for (const [i, record] of group.entries()) {
        try {
          signal.throwIfAborted();
          await processRecord(repository, record, options, signal);
        } catch (error) {
          logger.warn(`message ${record.messageId} comes again`, { error });
          for (const { messageId } of group.slice(i)) failed.add(messageId);
          return;
        }
      }
    });
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  });
}

/** Gives the messages that have to be dealt with one after the other. One without a group is a group of its own. */
function groupsOf<R extends SqsRecord>(records: readonly R[]): readonly (readonly R[])[] {
  const groups = new Map<string, R[]>();
  for (const record of records) {
    const { MessageGroupId } = record.attributes;
    const key = MessageGroupId === undefined ? `message ${record.messageId}` : `group ${MessageGroupId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return [...groups.values()];
}

/** Applies the command in a message. Throws what lets it come again. */
async function processRecord<T extends AggregateTypes, R extends SqsRecord>(
  repository: Repository<T>,
  record: R,
  { toCommand, actor, onRefused, isRefusal }: ProcessBatchOptions<T, R>,
  signal: AbortSignal,
): Promise<void> {
  let command: CommandOf<T>;
  try {
    command = toCommand(record);
  } catch (error) {
    return onRefused(record, error);
  }
  try {
    const acting = actor === undefined ? {} : { actor: actor(record) };
    await repository.apply(command, { ...acting, commandId: record.messageId, signal });
  } catch (error) {
    if (!(isForGood(error) || isRefusal?.(error))) throw error;
    await onRefused(record, error);
  }
}

/** Tells whether an error is of this package and of the command itself, so that it comes up each time. */
function isForGood(error: unknown): boolean {
  const refusal = refuse(error, { isConditional: false, commandScope: undefined });
  return refusal !== undefined && !["aborted", "unavailable", "canceled"].includes(refusal.code);
}
