/** A mail, with the id by which a mail service knows that it was sent before. */
export interface Mail {
  readonly dedupeId: string;
  readonly to: string;
  readonly text: string;
}

/** Gives a mail to a mail service. Throws when that doesn't take it. */
export type SendMail = (mail: Mail, signal: AbortSignal | undefined) => Promise<void>;

/** Sends mails by a service over HTTP that knows a mail again by its `idempotency-key`. */
export function mailService(url: string): SendMail {
  return async ({ dedupeId, ...mail }, signal) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": dedupeId },
      body: JSON.stringify(mail),
      signal: signal ?? null,
    });
    if (!response.ok) throw new Error(`the mail service answered ${response.status}`);
  };
}
