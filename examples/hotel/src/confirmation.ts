import { defineHandler, on, type Subscription } from "protosource-es/subscriptions";
import { booking } from "./booking.js";
import type { SendMail } from "./mail.js";

/** Writes to whoever has booked: each booking is mailed, and mailed once where the mail service knows an id again. */
export function confirmation(send: SendMail): Subscription {
  return defineHandler({
    name: "confirmation",
    from: [
      on(booking, {
        Booked: ({ roomId, days, email }, { dedupeId, signal }) =>
          send({ dedupeId, to: email, text: `Room ${roomId} is yours on ${days.join(", ")}.` }, signal),
      }),
    ],
  });
}
