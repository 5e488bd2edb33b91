/** The hand-written part of a room: nobody gets it on a day on which somebody else has it. */
import { defineRoom, type RoomAggregate } from "../gen/example/hotel/room/v1/room_v1_protosource.js";

/** Refuses a booking of a room that isn't free. */
export class RoomTaken extends Error {
  override readonly name = "RoomTaken";

  constructor(roomId: string, day: string) {
    super(`room ${roomId} is taken on ${day}`);
  }
}

export const room: RoomAggregate = defineRoom({
  evaluate: {
    Reserve({ id, stays }, { stay }) {
      const taken = new Set(Object.values(stays).flatMap(({ days }) => days));
      const day = stay?.days.find((wanted) => taken.has(wanted));
      if (day !== undefined) throw new RoomTaken(id, day);
      return "proceed";
    },
  },
});
