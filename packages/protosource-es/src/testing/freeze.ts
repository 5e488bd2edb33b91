/** Freezes a message, however deep. Bytes can't be frozen. */
export function freeze<M>(value: M): M {
  if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
