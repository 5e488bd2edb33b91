import { type BookingAggregate, defineBooking } from "../gen/example/hotel/booking/v1/booking_v1_protosource.js";

/** A booking: its .proto says all of it. */
export const booking: BookingAggregate = defineBooking();
