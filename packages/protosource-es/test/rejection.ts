/** Gives the message of the first rejection that nobody handles, where a test means one to happen. */
export async function unhandledRejection(cause: () => unknown): Promise<string> {
  const listeners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  try {
    const rejection = new Promise((resolve) => process.once("unhandledRejection", resolve));
    cause();
    return String(await rejection);
  } finally {
    for (const listener of listeners) process.on("unhandledRejection", listener);
  }
}
