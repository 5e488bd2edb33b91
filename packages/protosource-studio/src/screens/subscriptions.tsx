import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ParkedPage, ParkedSummary, SubscriptionNow, SubscriptionsNow } from "protosource-cli/studio";
import { adjust } from "../address.js";
import { ask } from "../ask.js";
import { useKeys } from "../keyboard.js";
import { useAnswer } from "../load.js";
import { ListHead } from "../parts/list-head.js";
import { Notice } from "../parts/notice.js";
import { Sparkline } from "../parts/sparkline.js";
import { TryAgain } from "../parts/try-again.js";
import { VirtualList } from "../parts/virtual-list.js";
import type { ScreenProps } from "../screen.js";
import { usePages } from "../use-pages.js";
import { costText, counted, numberText, printable, timeText } from "../words.js";
import { StreamPositionsPanel } from "./stream-positions.js";

/** How often it is looked where looks are free, in milliseconds. */
const EVERY_MS = 5_000;

/** How many looks are kept: 20 minutes of them. */
const KEPT = 240;

/** What follows events, how far it has come, and what stands still. */
export function SubscriptionsScreen({ about, place }: ScreenProps): JSX.Element {
  const isFree = about.store.kind !== "dynamodb";
  const turn = useSignal(isFree ? 1 : 0);
  const samples = useSignal<{ readonly [id: string]: readonly number[] }>({});
  const { value, error } = useAnswer<SubscriptionsNow>(
    turn.value > 0 ? "subscriptions" : undefined,
    {},
    turn.value,
  ).value;
  const look = (): void => void turn.value++;
  useEffect(() => {
    if (!isFree) return;
    const timer = setInterval(() => {
      if (!document.hidden) look();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [isFree]);
  useEffect(() => {
    const before = samples.peek();
    samples.value = Object.fromEntries(
      (value?.subscriptions ?? []).map(({ id, lag, parked }) => [
        id,
        [...(before[id] ?? []), lag?.waiting ?? parked].slice(-KEPT),
      ]),
    );
  }, [value]);
  const found = value?.subscriptions ?? [];
  const index = Math.max(
    0,
    found.findIndex(({ id }) => id === place["of"]),
  );
  const current = found[index];
  const select = (to: number): void => {
    const one = found[Math.max(0, Math.min(found.length - 1, to))];
    if (one && one.id !== current?.id) adjust({ of: one.id, id: undefined });
  };
  useKeys({
    j: ["select the next subscription", () => select(index + 1)],
    k: ["select the subscription before", () => select(index - 1)],
    r: ["look again", look],
  });
  if (turn.value === 0) {
    return (
      <Notice kind="empty">
        <p>
          Positions are read from the table of feeds by GetItem and Query, which the reader's policy doesn't allow; that
          of the consumer does. A look costs about 3 read units for each subscription, and one for some ten parked
          streams. How many events wait is told by a look at all streams alone: protosource subscriptions audit.
        </p>
        <button type="button" onClick={look}>
          Look
        </button>
      </Notice>
    );
  }
  if (error && found.length === 0) return <TryAgain error={error} again={look} />;
  return (
    <section class="subscriptions" aria-label="Subscriptions">
      <header class="screen-head">
        <h2>Subscriptions</h2>
        <span class="facts" role="status">
          {value ? `${counted(found.length, "subscription")} at ${timeText(value.at)}` : "Loading…"}
          {value?.cost && ` · ${costText(value.cost)}`}
        </span>
        <button type="button" onClick={look}>
          Look again
        </button>
      </header>
      {error && <TryAgain error={error} again={look} />}
      <ListHead
        columns={[
          "Subscription",
          "Kind",
          "Served",
          "#Parked",
          "Caught up",
          "#Waiting",
          isFree ? "Waiting, over time" : "Parked, over time",
        ]}
      />
      <VirtualList
        label="Subscriptions"
        count={found.length}
        rowHeight={34}
        selected={index}
        select={select}
        row={(i) => {
          const one = found[i] as SubscriptionNow;
          return <SubscriptionRow one={one} values={samples.value[one.id] ?? []} />;
        }}
      />
      <div class="halves">
        {current && <Parked key={current.id} of={current} selected={place["id"]} turn={current.parked} />}
        <StreamPositionsPanel id={place["id"]} of={current?.id} />
      </div>
    </section>
  );
}

function SubscriptionRow({ one, values }: { one: SubscriptionNow; values: readonly number[] }): JSX.Element {
  const { id, kind, parked, caughtUpAt, lag } = one;
  const waiting = lag === undefined ? "–" : `${numberText(lag.waiting)}${lag.more ? "+" : ""}`;
  return (
    <>
      <span class="id">{id}</span>
      <span>{kind}</span>
      <span>{servedText(one)}</span>
      <span class={`number ${parked > 0 ? "bad" : ""}`}>{numberText(parked)}</span>
      <span class="time">{timeText(caughtUpAt) || "never"}</span>
      <span class="number" title={lag?.since && `since ${timeText(lag.since)}`}>
        {waiting}
      </span>
      <Sparkline label={`the last ${counted(values.length, "look")}: ${values.slice(-5).join(", ")}`} values={values} />
    </>
  );
}

function servedText({ served, version, name }: SubscriptionNow): string {
  if (served === undefined) return "";
  if (served === 0) return "none promoted";
  return served === version ? "yes" : `no, ${name}@${served} is`;
}

interface ParkedProps {
  readonly of: SubscriptionNow;
  readonly selected: string | undefined;
  /** Another one has the streams read anew. */
  readonly turn: number;
}

/** The streams that stand still for a subscription, a page at a time. */
function Parked({ of, selected, turn }: ParkedProps): JSX.Element {
  const { read, readOn } = usePages<Parked>({
    of: [of.id, String(turn)],
    nothing: { parked: [], cursor: undefined },
    async next({ parked, cursor }, signal) {
      const page = await ask<ParkedPage>("parked", { subscription: of.id, cursor }, signal);
      return { parked: parked.concat(page.parked), cursor: page.cursor };
    },
    goesOn: () => false,
  });
  const { parked, cursor, stage, error } = read.value;
  const isReading = stage === "reading" || stage === "idle";
  const index = parked.findIndex(({ id }) => id === selected);
  const show = (to: number): void => adjust({ id: parked[to]?.id });
  return (
    <div class="beside">
      <h2>
        Parked streams <span class="quiet">of {of.id}</span>
      </h2>
      {error && <TryAgain error={error} again={readOn} />}
      {parked.length === 0 && !isReading && !error ? (
        <Notice kind="empty">No stream stands still. Those appear here whose event fails again and again.</Notice>
      ) : (
        <VirtualList
          label="Parked streams"
          count={parked.length}
          rowHeight={46}
          selected={index}
          select={show}
          row={(i) => <ParkedRow one={parked[i] as ParkedSummary} />}
        />
      )}
      {cursor !== undefined && (
        <button type="button" onClick={readOn}>
          Read on
        </button>
      )}
    </div>
  );
}

/** What was read of the parked streams so far. */
interface Parked {
  readonly parked: readonly ParkedSummary[];
  readonly cursor: string | undefined;
}

function ParkedRow({ one: { id, version, since, tries, error } }: { one: ParkedSummary }): JSX.Element {
  return (
    <span class="parked">
      <span class="id">
        <bdi>{id}</bdi> <span class="quiet">version {version}</span>
      </span>
      <span class="time">{timeText(since)}</span>
      <span class="bad">{printable(error)}</span>
      <span class="quiet">{tries === 1 ? "tried once" : `tried ${tries} times`}</span>
    </span>
  );
}
