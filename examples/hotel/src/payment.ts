import { after, cancel, defineProcess, on, type Process, send } from "protosource-es/subscriptions";
import { bookingCommands } from "../gen/example/hotel/booking/v1/booking_v1_protosource.js";
import { roomCommands } from "../gen/example/hotel/room/v1/room_v1_protosource.js";
import { booking } from "./booking.js";
import type { Hotel } from "./hotel.js";

/** Cancels what isn't paid within two days, and gives back the room of what is cancelled. */
export function payment({ rooms, bookings }: Hotel): Process {
  return defineProcess({
    name: "payment",
    since: "beginning",
    from: [
      on(booking, {
        memo: () => ({ roomId: "" }),
        Booked({ roomId }, { memo }) {
          memo.roomId = roomId;
          return after("unpaid", { days: 2 });
        },
        Paid: () => cancel("unpaid"),
        Cancelled: (_, { id, memo }) => [
          cancel("unpaid"),
          send(rooms, roomCommands.Release({ bookingId: id }), { id: memo.roomId }),
        ],
      }),
    ],
    timers: {
      // Whoever pays at that moment is refused or was faster, which are outcomes both.
      unpaid: ({ id }) => send(bookings, bookingCommands.Cancel({ reason: "unpaid" }), { id, refused: "done" }),
    },
  });
}
