/** What a hotel promises, and what events cause in it, whoever is at work and whatever fails. */
import fc from "fast-check";
import { MemoryStore } from "protosource-es/memory";
import { modelRows, type ParkedStream, type Subscription, Subscriptions } from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { State } from "../gen/example/hotel/booking/v1/booking_v1_pb.js";
import { bookingCommands } from "../gen/example/hotel/booking/v1/booking_v1_protosource.js";
import { OccupancyQueries } from "../gen/example/hotel/occupancy/v1/occupancy_v1_protosource.js";
import { roomCommands } from "../gen/example/hotel/room/v1/room_v1_protosource.js";
import { bookRoom, type Wish } from "../src/book-room.js";
import { confirmation } from "../src/confirmation.js";
import { type Hotel, openHotel } from "../src/hotel.js";
import type { Mail } from "../src/mail.js";
import { occupancy } from "../src/occupancy.js";
import { payment } from "../src/payment.js";
import { RoomTaken } from "../src/room.js";

const DAYS = ["2026-04-29", "2026-04-30", "2026-05-01", "2026-05-02"];
const by = { actor: "ann" };

let clock: FakeClock;
let store: MemoryStore;
let hotel: Hotel;

beforeEach(async () => {
  clock = new FakeClock();
  store = new MemoryStore({ clock });
  hotel = openHotel(store, clock);
  for (const id of ["101", "102"]) await hotel.rooms.apply(roomCommands.Open({}), { id, ...by });
});

const worker = (...all: readonly Subscription[]): Subscriptions => new Subscriptions({ store, clock, all });
const wish = (id: string, roomId: string, days: string[]): Wish => ({ id, roomId, days, email: "ann@example.com" });

async function booked(month: string): Promise<readonly (readonly [day: string, booked: number, paid: number])[]> {
  const { items } = await new OccupancyQueries(modelRows(store.opaqueStore, "occupancy@1")).selectByMonth(month);
  return items.map(({ day, booked, paid }) => [day, booked, paid]);
}

describe("a room and its booking", () => {
  it("are made together", async () => {
    await bookRoom(hotel, wish("b-1", "101", ["2026-05-01"]));
    expect(await hotel.bookings.load("b-1")).toMatchObject({ state: State.BOOKED, roomId: "101" });
    expect((await hotel.rooms.load("101")).stays["b-1"]?.days).toEqual(["2026-05-01"]);
  });

  it("are both refused when the room is taken", async () => {
    await bookRoom(hotel, wish("b-1", "101", ["2026-05-01", "2026-05-02"]));
    await expect(bookRoom(hotel, wish("b-2", "101", ["2026-05-02", "2026-05-03"]))).rejects.toThrow(RoomTaken);
    expect(await hotel.bookings.history("b-2")).toEqual([]);
    await bookRoom(hotel, wish("b-3", "101", ["2026-05-03"]));
  });

  it("are one guest's, however many ask at once", async () => {
    const guests = Array.from({ length: 10 }, (_, i) => bookRoom(hotel, wish(`b-${i}`, "101", ["2026-05-01"])));
    const outcomes = await Promise.allSettled(guests);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(Object.keys((await hotel.rooms.load("101")).stays)).toHaveLength(1);
  });
});

describe("the occupancy", () => {
  it("is the sum over all bookings, by day", async () => {
    await bookRoom(hotel, wish("b-1", "101", ["2026-04-30", "2026-05-01"]));
    await bookRoom(hotel, wish("b-2", "102", ["2026-05-01"]));
    await hotel.bookings.apply(bookingCommands.Pay({}), { id: "b-2", ...by });
    await worker(occupancy).catchUp();
    expect(await booked("2026-04")).toEqual([["2026-04-30", 1, 0]]);
    expect(await booked("2026-05")).toEqual([["2026-05-01", 2, 1]]);
  });

  it("counts each booking once, whoever brings it and how often", async () => {
    const step = fc.record({
      id: fc.constantFrom("b-1", "b-2", "b-3", "b-4"),
      what: fc.constantFrom("book", "pay", "cancel"),
      days: fc.subarray(DAYS, { minLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        store = new MemoryStore({ clock });
        const { bookings } = openHotel(store, clock);
        const workers = [worker(occupancy), worker(occupancy)];
        const at: Promise<unknown>[] = [];
        for (const { id, what, days } of steps) {
          const command = { book: bookingCommands.Book({ days }), pay: bookingCommands.Pay({}) };
          const cancelled = bookingCommands.Cancel({});
          const options = { id, ...by };
          // What the state of the booking doesn't allow is refused, and no part of the sum.
          await (what === "cancel" ? bookings.apply(cancelled, options) : bookings.apply(command[what], options)).catch(
            () => undefined,
          );
          for (const one of workers) at.push(one.catchUp());
        }
        await Promise.all(at);
        for (const one of workers) await one.catchUp();
        const sum = new Map<string, [number, number]>();
        for (const id of ["b-1", "b-2", "b-3", "b-4"]) {
          const booking = await bookings.load(id).catch(() => undefined);
          for (const day of booking?.days ?? []) {
            const [all, paid] = sum.get(day) ?? [0, 0];
            const isPaid = booking?.state === State.PAID;
            sum.set(day, [all + (booking?.state === State.CANCELLED ? 0 : 1), paid + (isPaid ? 1 : 0)]);
          }
        }
        const rows = [...(await booked("2026-04")), ...(await booked("2026-05"))];
        expect(rows).toEqual([...sum].map(([day, counts]) => [day, ...counts]).toSorted());
      }),
      { numRuns: 50 },
    );
  });
});

describe("the confirmation", () => {
  it("comes once for each booking", async () => {
    const mails: Mail[] = [];
    const one = worker(confirmation(async (mail) => void mails.push(mail)));
    await bookRoom(hotel, wish("b-1", "101", ["2026-05-01"]));
    await one.catchUp();
    await one.catchUp();
    await bookRoom(hotel, wish("b-2", "102", ["2026-05-01"]));
    await hotel.bookings.apply(bookingCommands.Pay({}), { id: "b-1", ...by });
    await one.catchUp();
    expect(mails.map(({ dedupeId }) => dedupeId)).toEqual([
      "example_hotel_booking_v1#b-1:1",
      "example_hotel_booking_v1#b-2:1",
    ]);
  });

  it("comes again, under its id, when nobody knows that it was sent", async () => {
    const mails: Mail[] = [];
    await bookRoom(hotel, wish("b-1", "101", ["2026-05-01"]));
    const { saveAll } = store;
    // The process ends between the mail and its position.
    store.saveAll = () => Promise.reject(new Error("the process has ended"));
    await worker(confirmation(async (mail) => void mails.push(mail)))
      .catchUp()
      .catch(() => undefined);
    store.saveAll = saveAll;
    const before = mails.length;
    expect(before).toBeGreaterThan(0);
    await worker(confirmation(async (mail) => void mails.push(mail))).catchUp();
    expect(mails).toHaveLength(before + 1);
    expect(new Set(mails.map(({ dedupeId }) => dedupeId)).size).toBe(1);
  });

  it("waits for somebody when the mail service refuses it each time, and no other waits for it", async () => {
    await bookRoom(hotel, wish("b-1", "101", ["2026-05-01"]));
    await bookRoom(hotel, wish("b-2", "102", ["2026-05-01"]));
    let isBroken = true;
    const mails: Mail[] = [];
    const mail = confirmation(async (one) => {
      if (isBroken && one.dedupeId.includes("b-1")) throw new Error("no such address");
      mails.push(one);
    });
    const one = worker(mail);
    await one.catchUp();
    const parked: ParkedStream[] = [];
    for await (const stream of one.parked()) parked.push(stream);
    expect(parked.map(({ streamId }) => streamId)).toEqual(["example_hotel_booking_v1#b-1"]);
    isBroken = false;
    for (const { subscription, streamId } of parked) await one.release({ subscription, streamId });
    expect(mails.map(({ dedupeId }) => dedupeId).toSorted()).toEqual([
      "example_hotel_booking_v1#b-1:1",
      "example_hotel_booking_v1#b-2:1",
    ]);
  });
});

describe("the payment", () => {
  const TWO_DAYS = 2 * 86_400;

  it("that doesn't come in two days cancels the booking, and gives the room back", async () => {
    const one = worker(payment(hotel));
    await bookRoom(hotel, wish("b-1", "101", ["2026-05-01"]));
    await one.catchUp();
    clock.advanceSeconds(TWO_DAYS - 1);
    expect(await one.fireTimers()).toEqual({ fired: 0, failed: 0 });
    clock.advanceSeconds(1);
    const fired = await Promise.all([one.fireTimers(), worker(payment(hotel)).fireTimers()]);
    expect(fired.reduce((sum, { fired }) => sum + fired, 0)).toBe(1);
    await one.catchUp();
    expect(await hotel.bookings.load("b-1")).toMatchObject({ state: State.CANCELLED, reason: "unpaid" });
    expect((await hotel.rooms.load("101")).stays).toEqual({});
  });

  it("that came ends the waiting", async () => {
    const one = worker(payment(hotel));
    await bookRoom(hotel, wish("b-1", "101", ["2026-05-01"]));
    await one.catchUp();
    await hotel.bookings.apply(bookingCommands.Pay({}), { id: "b-1", ...by });
    clock.advanceSeconds(TWO_DAYS);
    // The payment has not been brought yet: the rules of the booking decide.
    await one.fireTimers();
    await one.catchUp();
    expect((await hotel.bookings.load("b-1")).state).toBe(State.PAID);
  });
});

it("is at work as long as somebody runs it", async () => {
  const end = new AbortController();
  const subscriptions = worker(occupancy, payment(hotel));
  const running = subscriptions.run({ signal: end.signal });

  await bookRoom(hotel, wish("b-1", "101", ["2026-05-01"]));
  const paid = await hotel.bookings.apply(bookingCommands.Pay({}), { id: "b-1", ...by });
  const isThere = await subscriptions.reached(occupancy, paid);

  expect(isThere).toBe(true);
  expect(await booked("2026-05")).toEqual([["2026-05-01", 1, 1]]);
  end.abort();
  await running;
});
