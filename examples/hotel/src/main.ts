/** Two days in a hotel, on an SQLite file: who books, what is taken on which day, and which mails are sent. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "protosource-es";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { modelRows, Subscriptions } from "protosource-es/subscriptions";
import { bookingCommands } from "../gen/example/hotel/booking/v1/booking_v1_protosource.js";
import { OccupancyQueries } from "../gen/example/hotel/occupancy/v1/occupancy_v1_protosource.js";
import { roomCommands } from "../gen/example/hotel/room/v1/room_v1_protosource.js";
import { bookRoom, type Wish } from "./book-room.js";
import { confirmation } from "./confirmation.js";
import { openHotel } from "./hotel.js";
import { occupancy } from "./occupancy.js";
import { payment } from "./payment.js";
import { RoomTaken } from "./room.js";

const TWO_DAYS = 2n * 86_400_000_000n;

let later = 0n;
const clock = { now: () => systemClock.now() + later };
const folder = mkdtempSync(join(tmpdir(), "hotel-"));
const database = openSqlite(join(folder, "hotel.db"));
const store = new SqliteStore(database, { clock });
const hotel = openHotel(store, clock);
const mail = confirmation(async ({ to, text }) => console.log(`    mail to ${to}: ${text}`));
const subscriptions = new Subscriptions({ store, clock, all: [occupancy, mail, payment(hotel)] });
const days = new OccupancyQueries(modelRows(store.opaqueStore, "occupancy@1"));

try {
  for (const id of ["101", "102"]) await hotel.rooms.apply(roomCommands.Open({}), { id, actor: "owner" });

  await book({ id: "b-1", roomId: "101", days: ["2026-05-01", "2026-05-02"], email: "ann@example.com" });
  await book({ id: "b-2", roomId: "102", days: ["2026-05-02", "2026-05-03"], email: "bob@example.com" });
  await book({ id: "b-3", roomId: "101", days: ["2026-05-02"], email: "cid@example.com" });
  await hotel.bookings.apply(bookingCommands.Pay({}), { id: "b-1", actor: "ann@example.com" });
  await printMonth("Ann has paid");

  later += TWO_DAYS;
  await subscriptions.fireTimers();
  await printMonth("Two days later, Bob hasn't paid");

  await book({ id: "b-4", roomId: "102", days: ["2026-05-03"], email: "cid@example.com" });
  await printMonth("Cid gets the room that Bob had");
} finally {
  database.close();
  rmSync(folder, { recursive: true });
}

async function book(wish: Wish): Promise<void> {
  try {
    await bookRoom(hotel, wish);
    console.log(`${wish.email} books room ${wish.roomId} for ${wish.days.join(", ")}`);
  } catch (error) {
    if (!(error instanceof RoomTaken)) throw error;
    console.log(`${wish.email} is refused: ${error.message}`);
  }
}

/** Has done what events cause, and prints what is taken. A service has `subscriptions.run()` do so all the time. */
async function printMonth(title: string): Promise<void> {
  console.log(`\n${title}`);
  await subscriptions.catchUp();
  const { items } = await days.selectByMonth("2026-05");
  for (const { day, booked, paid } of items) console.log(`    ${day}: ${booked} booked, ${paid} paid`);
  console.log();
}
