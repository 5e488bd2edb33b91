import { commandFor } from "protosource-es";
import type { Booking } from "../gen/example/hotel/booking/v1/booking_v1_pb.js";
import { bookingCommands } from "../gen/example/hotel/booking/v1/booking_v1_protosource.js";
import { roomCommands } from "../gen/example/hotel/room/v1/room_v1_protosource.js";
import type { Hotel } from "./hotel.js";

/** What a guest asks for. */
export type Wish = Pick<Booking, "id" | "roomId" | "days" | "email">;

/** Books a room: both know of it, or neither. Throws `RoomTaken` for a day on which somebody else has it. */
export async function bookRoom({ rooms, bookings }: Hotel, { id, roomId, days, email }: Wish): Promise<void> {
  const reserve = roomCommands.Reserve({ stay: { bookingId: id, days } });
  const book = bookingCommands.Book({ roomId, days, email });
  await rooms.applyAll([commandFor(rooms, reserve, { id: roomId }), commandFor(bookings, book, { id })], {
    actor: email,
  });
}
