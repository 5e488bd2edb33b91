/** Rooms and bookings on one store, so that commands to both can be one transaction. */
import { type Clock, Repository, type RepositoryStore } from "protosource-es";
import type { BookingTypes } from "../gen/example/hotel/booking/v1/booking_v1_protosource.js";
import type { RoomTypes } from "../gen/example/hotel/room/v1/room_v1_protosource.js";
import { booking } from "./booking.js";
import { room } from "./room.js";

export interface Hotel {
  readonly rooms: Repository<RoomTypes>;
  readonly bookings: Repository<BookingTypes>;
}

/** Opens the hotel of a store. */
export function openHotel(store: RepositoryStore, clock?: Clock): Hotel {
  return { rooms: new Repository(room, store, { clock }), bookings: new Repository(booking, store, { clock }) };
}
