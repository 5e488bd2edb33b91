import { defineReadModel, on, type ReadModel } from "protosource-es/subscriptions";
import { type Occupancy, OccupancySchema } from "../gen/example/hotel/occupancy/v1/occupancy_v1_pb.js";
import { booking } from "./booking.js";

/** How much of the hotel is taken on each day, over all bookings: each counts once. */
export const occupancy: ReadModel<Occupancy> = defineReadModel(OccupancySchema, {
  name: "occupancy",
  version: 1,
  from: [
    on(booking, {
      memo: () => ({ days: [] as string[] }),
      Booked({ days }, { memo, row }) {
        memo.days = days;
        for (const day of days) row({ month: day.slice(0, 7), day }, (taken) => void taken.booked++);
      },
      Paid(_, { memo, row }) {
        for (const day of memo.days) row({ month: day.slice(0, 7), day }, (taken) => void taken.paid++);
      },
      Cancelled(_, { memo, row }) {
        for (const day of memo.days) row({ month: day.slice(0, 7), day }, (taken) => void taken.booked--);
      },
    }),
  ],
});
