/** Given what happened to an aggregate, a request, then its answer and what came of it: tests of a handler. */
import type { Message } from "@bufbuild/protobuf";
import type { AggregateTypes, EventOf } from "../aggregate/types.js";
import type { Repository } from "../repository/repository.js";
import { mustExpect, withThen } from "./expectation.js";
import { expectEvents } from "./given-aggregate.js";

/** A handler whose aggregates have no past yet. */
export interface Api<T extends AggregateTypes> {
  /** Says which aggregate the test is about, and what happened to it: nothing, for one that isn't created. */
  given(id: string, events?: readonly EventOf<T>[]): ApiWithPast<T>;
}

export interface ApiWithPast<T extends AggregateTypes> {
  /** Says what is asked. */
  when(request: Request): ApiExpectation<T>;
}

export interface ApiExpectation<T extends AggregateTypes> {
  /**
   * Expects the status of the answer, and what happens to the aggregate by the request: nothing by default. Ids, versions,
   * times and actors of events count where they are given. Gives the answer, whose body isn't read yet.
   */
  then(status: number, events?: readonly EventOf<T>[]): Promise<Response>;
}

/**
 * Starts a test of a handler on the store of a repository, such as one in memory:
 * `await api(handle, orders).given("o-1", [created]).when(request).then(200, [placed])`.
 */
export function api<T extends AggregateTypes>(
  handle: (request: Request) => Promise<Response>,
  repository: Repository<T>,
): Api<T> {
  return {
    given: (id, happened = []) => ({
      when(request) {
        const asked = mustExpect(WHAT, ADVICE);
        return withThen({}, { what: WHAT, advice: ADVICE, asked }, (status, events = []) =>
          check({ handle, repository, id, happened, request, status, events }),
        );
      },
    }),
  };
}

const WHAT = "api(…).given(…).when(…)";
const ADVICE = "add .then(status, […])";

interface Case<T extends AggregateTypes> {
  readonly handle: (request: Request) => Promise<Response>;
  readonly repository: Repository<T>;
  readonly id: string;
  readonly happened: readonly EventOf<T>[];
  readonly request: Request;
  readonly status: number;
  readonly events: readonly EventOf<T>[];
}

async function check<T extends AggregateTypes>(one: Case<T>): Promise<Response> {
  const { repository, id, happened, request, status } = one;
  if (happened.length > 0) await repository.save(id, happened);
  const before = await repository.history(id);
  const answer = await one.handle(request);
  if (answer.status !== status) {
    throw new Error(`expected the status ${status}, but it was ${answer.status}: ${await answer.text()}`);
  }
  const after = (await repository.history(id)).slice(before.length);
  const name = `${request.method} ${new URL(request.url).pathname}`;
  expectEvents(repository.aggregate, name, after as readonly Message[], one.events as readonly Message[]);
  return answer;
}
