import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { EventSummary } from "protosource-cli/studio";
import { adjust, type Place } from "../address.js";
import { microsecondsOf, NO_TIME } from "../moment.js";
import { TextBox } from "./text-box.js";

/** By what events are left out; all of it is in the address. */
const NAMES = ["type", "actor", "from", "to"] as const;
const NOTHING = { type: undefined, actor: undefined, from: undefined, to: undefined };

/** Tells whether events are left out. */
export function isFiltered(place: Place): boolean {
  return NAMES.some((name) => place[name] !== undefined);
}

/** Gives the events of a type, by an actor, from a time on and up to one. What is no time leaves nothing out. */
export function useFiltered(events: readonly EventSummary[], place: Place): readonly EventSummary[] {
  return useMemo(() => {
    if (!isFiltered(place)) return events;
    const { type, actor, from = "", to = "" } = place;
    const [first, last] = [microsecondsOf(from), microsecondsOf(to, "9")];
    return events.filter(
      (event) =>
        (type === undefined || event.type === type) &&
        (actor === undefined || event.actor === actor) &&
        (first === undefined || (event.at !== undefined && BigInt(event.at) >= first)) &&
        (last === undefined || (event.at !== undefined && BigInt(event.at) <= last)),
    );
  }, [events, ...NAMES.map((name) => place[name])]);
}

/** Asks which events to show. */
export function EventFilter({ events, place }: { events: readonly EventSummary[]; place: Place }): JSX.Element {
  const [types, actors] = useMemo(
    () => (["type", "actor"] as const).map((name) => [...new Set(events.map((event) => event[name] ?? ""))].sort()),
    [events],
  ) as [string[], string[]];
  return (
    <search class="filter" aria-label="Events to show">
      <Choice name="type" all="all types" values={types} place={place} />
      <Choice name="actor" all="all actors" values={actors} place={place} />
      <Time name="from" place={place} />
      <Time name="to" place={place} />
      {isFiltered(place) && (
        <button type="button" onClick={() => adjust(NOTHING)}>
          Show all
        </button>
      )}
    </search>
  );
}

interface ChoiceProps {
  readonly name: "type" | "actor";
  readonly all: string;
  readonly values: readonly string[];
  readonly place: Place;
}

function Choice({ name, all, values, place }: ChoiceProps): JSX.Element {
  const { [name]: chosen = "" } = place;
  return (
    <select
      id={`filter-${name}`}
      aria-label={`Of which ${name}`}
      value={chosen}
      onChange={({ currentTarget }) => adjust({ [name]: currentTarget.value || undefined })}
    >
      <option value="">{all}</option>
      {[...new Set([...values, chosen])].filter(Boolean).map((value) => (
        <option key={value} value={value}>
          {value}
        </option>
      ))}
    </select>
  );
}

function Time({ name, place }: { name: "from" | "to"; place: Place }): JSX.Element {
  return (
    <TextBox
      label={`${name === "from" ? "From" : "Up to"} which time`}
      size={10}
      placeholder={name}
      value={place[name] ?? ""}
      problemOf={(text) => (microsecondsOf(text) === undefined ? NO_TIME : undefined)}
      take={(text) => adjust({ [name]: text })}
    />
  );
}
