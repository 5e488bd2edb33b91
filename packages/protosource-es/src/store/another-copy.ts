/** What to do where two copies of the package meet. */
export const ONE_COPY = "see `npm ls protosource-es`, and let all packages use one";

/** Tells whether an object is made by the class of the same name of another copy of the package. */
export function isOfAnotherCopy(value: object, own: abstract new (...args: never[]) => object): boolean {
  return !(value instanceof own) && value.constructor.name === own.name;
}
