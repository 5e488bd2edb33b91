/** What clients of the AWS SDK take beside their input. */
export interface SendOptions {
  abortSignal?: AbortSignal;
}

/** Gives a signal as the clients of the AWS SDK take it. */
export function sendOptions(signal: AbortSignal | undefined): SendOptions {
  return signal === undefined ? {} : { abortSignal: signal };
}
