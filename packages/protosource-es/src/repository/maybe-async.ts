/** Lets steps that may be asynchronous follow each other, and stay synchronous while each of them is. */

/** Goes on with the value: at once, or when the promise is fulfilled. */
export function andThen<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return isPromise(value) ? value.then(next) : next(value);
}

export function isPromise<A>(value: A | Promise<A>): value is Promise<A> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
