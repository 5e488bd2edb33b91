/**
 * The tokens and the shape of dependency injection. A provider is a plain object that NestJS and other containers take
 * as it is; the providers themselves live in the folder of each backend.
 */

/** Stands for the `Store`. Every copy of the package has the same symbol. */
export const STORE: unique symbol = Symbol.for("protosource-es/store");

/** Stands for the `SnapshotTailStore`. */
export const SNAPSHOT_TAIL_STORE: unique symbol = Symbol.for("protosource-es/snapshot-tail-store");

/** Stands for the `AggregateStore`. */
export const AGGREGATE_STORE: unique symbol = Symbol.for("protosource-es/aggregate-store");

/** Stands for the `OpaqueStore`. */
export const OPAQUE_STORE: unique symbol = Symbol.for("protosource-es/opaque-store");

/** What a container knows a value by: a class or a symbol. */
export type ProviderToken = symbol | (abstract new (...args: never[]) => unknown);

/** Makes a value from those of other tokens, in the order of `inject`. */
export interface FactoryProvider<T = unknown> {
  readonly provide: ProviderToken;
  readonly useFactory: (...args: never[]) => T | Promise<T>;
  readonly inject: ProviderToken[];
}

/** Gives the value of another token under this one. */
export interface ExistingProvider {
  readonly provide: ProviderToken;
  readonly useExisting: ProviderToken;
}

export type Provider = FactoryProvider | ExistingProvider;
