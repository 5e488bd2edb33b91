/**
 * The page of protosource studio.
 *
 * A screen is a file in `screens/` and an entry of SCREENS below, under the name that the address has for it (`?view=…`).
 * It asks the API by `useAnswer` or `ask` (routes: `protosource-cli/src/studio/routes`, answers: `contract.ts`), reads where it
 * is from `place` and goes elsewhere by `go`, or stays and changes a parameter by `adjust`, so that all of it is in the
 * address. Lists are a `VirtualList`, which takes the arrows; other keys come from `useKeys`, and show up in the help. What is
 * empty or wrong is a `Notice` that says what to do. Styles: `app.css`, where colours and sizes are variables.
 */
import { effect, useSignal } from "@preact/signals";
import { type JSX, render } from "preact";
import type { About } from "protosource-cli/studio";
import { addressOf, go, goes, type Place, place } from "./address.js";
import { takeToken, turn } from "./ask.js";
import { focuses, keepFocus } from "./keep-focus.js";
import { useKeys } from "./keyboard.js";
import { useAnswer } from "./load.js";
import { GivenFiles } from "./parts/given-files.js";
import { Help } from "./parts/help.js";
import { Notice } from "./parts/notice.js";
import { Stranger } from "./parts/stranger.js";
import { TryAgain } from "./parts/try-again.js";
import type { ScreenProps } from "./screen.js";
import { DomainScreen } from "./screens/domain.js";
import { HealthScreen } from "./screens/health.js";
import { RowsScreen } from "./screens/rows.js";
import { StreamScreen } from "./screens/stream.js";
import { StreamsScreen } from "./screens/streams.js";
import { SubscriptionsScreen } from "./screens/subscriptions.js";
import { nextOf, PERSONAL, personal, SCHEMES, scheme, TIMES, times } from "./settings.js";
import { printable } from "./words.js";

interface Screen {
  /** What the bar calls it; undefined for one that others lead to. */
  readonly title: string | undefined;
  readonly show: (props: ScreenProps) => JSX.Element;
}

/** The screens by their names in the address, in the order of the bar. */
const SCREENS: { readonly [view: string]: Screen } = {
  streams: { title: "Streams", show: StreamsScreen },
  stream: { title: undefined, show: StreamScreen },
  rows: { title: "Rows", show: RowsScreen },
  domain: { title: "Domain", show: DomainScreen },
  subscriptions: { title: "Subscriptions", show: SubscriptionsScreen },
  health: { title: "Health", show: HealthScreen },
};

const FIRST = "streams";

/** Says in a few words where one is. */
function titleOf({ id, view = FIRST }: Place): string {
  return [id && printable(id), SCREENS[view]?.title].filter(Boolean).join(" – ") || "Nowhere";
}

function nextTimes(): void {
  times.value = nextOf(TIMES, times.value);
}

function nextPersonal(): void {
  personal.value = nextOf(PERSONAL, personal.value);
}

function nextScheme(): void {
  scheme.value = nextOf(SCHEMES, scheme.value);
}

const NO_KEYS =
  "What is sealed stays so: start the studio with --keys, or with --domain and a module that exports a keyring.";

function App(): JSX.Element {
  const about = useAnswer<About>("about", {});
  const helps = useSignal(false);
  const { view = FIRST, of, find } = place.value;
  const titles = Object.entries(SCREENS).filter(([, { title }]) => title !== undefined);
  const toggleHelp = (): void => {
    helps.value = !helps.value;
  };
  useKeys({
    "/": ["search for a stream", focuses("#search")],
    "?": ["show and hide this help", toggleHelp],
    t: ["show times as local, UTC or microseconds", nextTimes],
    ...(about.value.value?.hasPersonal ? { p: ["show and mask personal fields", nextPersonal] as const } : {}),
    ...Object.fromEntries(
      titles.map(([name, { title }], i) => [String(i + 1), [`go to ${title}`, () => go({ view: name })]] as const),
    ),
  });
  const { value, error, again } = about.value;
  const screen = Object.hasOwn(SCREENS, view) ? SCREENS[view] : undefined;
  return (
    <>
      <header class="bar">
        <a class="brand" href={addressOf({ view: FIRST })} onClick={goes({ view: FIRST })}>
          protosource <b>studio</b>
        </a>
        <nav aria-label="Screens">
          {titles.map(([name, { title }]) => (
            <a
              key={name}
              href={addressOf({ view: name })}
              aria-current={name === view ? "page" : undefined}
              onClick={goes({ view: name })}
            >
              {title}
            </a>
          ))}
        </nav>
        <search>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const text = new FormData(event.currentTarget).get("text") as string;
              go({ view: "streams", ...(view === "streams" && of !== undefined && { of }), find: text.trim() });
            }}
          >
            <input
              key={find}
              id="search"
              name="text"
              defaultValue={find}
              onFocus={({ currentTarget }) => currentTarget.select()}
              type="search"
              placeholder="Stream id, or its beginning"
              aria-label="Search"
            />
            <kbd>/</kbd>
          </form>
        </search>
        <span class="store" title={value?.store.name}>
          {value?.store.name}
        </span>
        {value?.hasPersonal && (
          <button type="button" title={value.canOpen ? undefined : NO_KEYS} onClick={nextPersonal}>
            <span class="quiet">Personal</span> {personal}
          </button>
        )}
        <button type="button" onClick={nextTimes}>
          <span class="quiet">Times</span> {times}
        </button>
        <button type="button" onClick={nextScheme}>
          <span class="quiet">Colours</span> {scheme}
        </button>
        <button type="button" aria-label="Help" onClick={toggleHelp}>
          ?
        </button>
        <GivenFiles />
      </header>
      <main tabIndex={-1} class={`screen-${view}`}>
        <h1 class="unseen">{titleOf(place.value)}</h1>
        {error?.isStranger ? (
          <Stranger />
        ) : error ? (
          <TryAgain error={error} again={again} />
        ) : value === undefined ? (
          <Notice kind="empty">Loading…</Notice>
        ) : screen === undefined ? (
          <Notice kind="empty">There is no such screen. Take one of the bar.</Notice>
        ) : (
          <screen.show key={turn.value} about={value} place={place.value} />
        )}
      </main>
      {helps.value && <Help close={toggleHelp} />}
    </>
  );
}

takeToken();
addEventListener("hashchange", () => {
  // An address that was put into an open page, such as that of another start, loads nothing by itself.
  if (takeToken()) location.reload();
});
effect(() => {
  document.title = `${titleOf(place.value)} – protosource studio`;
});
keepFocus();
render(<App />, document.body);
