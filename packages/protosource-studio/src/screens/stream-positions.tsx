import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { PositionInfo, StreamPositions } from "protosource-cli/studio";
import { addressOf, adjust, goes } from "../address.js";
import { useKeys } from "../keyboard.js";
import { useAnswer } from "../load.js";
import { CommandLine, copy } from "../parts/command-line.js";
import { Notice } from "../parts/notice.js";
import { TryAgain } from "../parts/try-again.js";
import { printable, timeText } from "../words.js";

/** How far the subscriptions have come in a stream, that one first which is looked at, and what a release would do. */
export function StreamPositionsPanel({ id, of }: { id: string | undefined; of: string | undefined }): JSX.Element {
  const turn = useSignal(0);
  const { value, error } = useAnswer<StreamPositions>(
    id === undefined ? undefined : "positions",
    { id },
    turn.value,
  ).value;
  const isShown = id !== undefined && value?.id === id;
  const positions = (isShown ? value.positions : []).toSorted(
    (a, b) => Number(b.subscription === of) - Number(a.subscription === of),
  );
  const lines = positions.find(({ lines }) => lines !== undefined)?.lines;
  useKeys(
    lines === undefined
      ? {}
      : {
          c: ["copy the command line that releases the stream", () => void copy(lines.release)],
          C: ["copy the one that skips the event", () => void copy(lines.skip)],
        },
  );
  return (
    <div class="beside">
      <form
        class="stream-form"
        onSubmit={(event) => {
          event.preventDefault();
          adjust({ id: (new FormData(event.currentTarget).get("id") as string).trim() || undefined });
        }}
      >
        <h2>Positions in a stream</h2>
        <input key={id} name="id" defaultValue={id} aria-label="Stream" placeholder="Whole name of a stream" />
        <button type="submit">Look</button>
      </form>
      {error ? (
        <TryAgain error={error} again={() => void turn.value++} />
      ) : id === undefined ? (
        <Notice kind="empty">Select a parked stream, or give the name of any stream.</Notice>
      ) : !isShown ? (
        <Notice kind="empty">Loading…</Notice>
      ) : positions.length === 0 ? (
        <Notice kind="empty">No subscription follows {id}. Give the whole name, with what stands before the #.</Notice>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
        <section class="positions" tabIndex={0} aria-label="Positions">
          {positions.map((one) => (
            <PositionPart key={one.subscription} id={id} one={one} />
          ))}
        </section>
      )}
    </div>
  );
}

function PositionPart({ id, one }: { id: string; one: PositionInfo }): JSX.Element {
  const { subscription, version, parked, next, more, problem, lines } = one;
  const linkTo = (version: string) => ({ view: "stream", id, at: version, tab: "event" });
  return (
    <section>
      <h3>
        <span class="id">{subscription}</span>
        <span class="quiet">
          {version === "0" ? "has handled nothing yet" : `has handled up to version ${version}`}
        </span>
        {parked && <span class="badge damaged">parked</span>}
      </h3>
      {parked && (
        <p>
          <span class="bad">{printable(parked.error)}</span>{" "}
          <span class="quiet">
            at version {parked.version}, {timeText(parked.since)}
          </span>
        </p>
      )}
      {next.length > 0 && (
        <>
          <p class="quiet">{parked ? "A release would go on with" : "Comes next"}</p>
          <ol class="next">
            {next.map(({ version, type, handled }) => (
              <li key={version} class={handled ? "" : "passed"}>
                <a href={addressOf(linkTo(version))} onClick={goes(linkTo(version))}>
                  <span class="number">{version}</span> <bdi>{type ?? "what can't be read"}</bdi>
                </a>{" "}
                {!handled && <span class="quiet">passed by</span>}
                {parked?.version === version && <span class="quiet">left out by --skip</span>}
              </li>
            ))}
            {more && <li class="quiet">and what follows</li>}
          </ol>
        </>
      )}
      {problem && <p class="bad">{printable(problem)}</p>}
      {next.length === 0 && !problem && <p class="quiet">Nothing waits behind it.</p>}
      {lines && (
        <>
          <CommandLine what="Once what went wrong is mended" line={lines.release} />
          <CommandLine what="Or go on behind the event, which then has no effect" line={lines.skip} />
        </>
      )}
    </section>
  );
}
