/** Repositories for NestJS and containers like it, beside the stores that the folder of each backend provides. */
import type { Aggregate } from "../aggregate/aggregate.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { type FactoryProvider, STORE } from "../store/provider.js";
import type { Repository } from "./repository.js";
import type { RepositoryOptions, RepositoryStore } from "./repository-options.js";

/** A class of repositories, such as `class Orders extends Repository<OrderTypes> {}`, which is what one is known by. */
export type RepositoryClass<T extends AggregateTypes, R extends Repository<T>> = new (
  aggregate: Aggregate<T>,
  store: RepositoryStore,
  options: RepositoryOptions,
) => R;

/** Provides the repository of an aggregate, under a class of its own, on the store that the container has as `STORE`. */
export function provideRepository<T extends AggregateTypes, R extends Repository<T>>(
  repository: RepositoryClass<T, R>,
  aggregate: Aggregate<T>,
  options: RepositoryOptions = {},
): FactoryProvider<R> {
  return {
    provide: repository,
    useFactory: (store: RepositoryStore) => new repository(aggregate, store, options),
    inject: [STORE],
  };
}
