import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { AggregateInfo, DomainInfo, MessageInfo } from "protosource-cli/studio";
import { addressOf, adjust, goes } from "../address.js";
import { useKeys } from "../keyboard.js";
import { useAnswer } from "../load.js";
import { FieldTable } from "../parts/field-table.js";
import { Notice } from "../parts/notice.js";
import { StatePicture } from "../parts/state-picture.js";
import { TryAgain } from "../parts/try-again.js";
import { savePicture } from "../save-picture.js";
import type { ScreenProps } from "../screen.js";

/** What the annotations of an aggregate say: its states, its commands and events, and the fields of its messages. */
export function DomainScreen({ about, place }: ScreenProps): JSX.Element {
  const { aggregates, problems } = about;
  const chosen = aggregates.find(({ type }) => type === place["of"]) ?? aggregates[0];
  const answer = useAnswer<DomainInfo>(chosen && "domain", { type: chosen?.type });
  if (chosen === undefined) {
    return (
      <Notice kind="empty">
        No aggregate is known here. Start the studio with --descriptors image.binpb, which buf build makes, or with
        --domain. {problems.join(" ")}
      </Notice>
    );
  }
  const { value, error, again } = answer.value;
  return (
    <section class="domain" aria-label="Domain">
      <nav class="tabs" aria-label="Aggregates">
        {aggregates.map(({ name, type }) => {
          const to = { view: "domain", of: type };
          return (
            <a
              key={type}
              href={addressOf(to)}
              aria-current={type === chosen.type ? "true" : undefined}
              onClick={goes(to)}
            >
              {name}
            </a>
          );
        })}
        <span class="facts">{chosen.type}</span>
      </nav>
      {error && <TryAgain error={error} again={again} />}
      {value && <Domain aggregate={chosen} domain={value} opened={place["message"]} />}
    </section>
  );
}

interface DomainProps {
  readonly aggregate: AggregateInfo;
  readonly domain: DomainInfo;
  /** The name of the message whose fields are shown. */
  readonly opened: string | undefined;
}

function Domain({ aggregate: { name }, domain, opened = name }: DomainProps): JSX.Element {
  const picture = useRef<SVGSVGElement>(null);
  const save = (): void => {
    if (picture.current) savePicture(picture.current, `${name}.svg`);
  };
  useKeys({ d: ["save the picture of the states", save] });
  const { transitions, warnings, messages } = domain;
  return (
    <>
      {warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <div class="domain-top">
        <figure class="card">
          <figcaption>
            <h2>States</h2>
            <button type="button" disabled={transitions.length === 0} onClick={save}>
              Save as SVG
            </button>
          </figcaption>
          {transitions.length === 0 ? (
            <p class="quiet">It has no states: no event says sets_state, and there is no enum field state.</p>
          ) : (
            <StatePicture name={name} info={domain.picture} picture={picture} />
          )}
        </figure>
        <CommandTable domain={domain} />
      </div>
      <h2>Messages</h2>
      {messages.map((message) => (
        <Message key={message.name} message={message} isOpen={message.name === opened} />
      ))}
    </>
  );
}

function CommandTable({ domain: { commands, events, statePrefix } }: { domain: DomainInfo }): JSX.Element {
  const short = (name: string): string => (name.startsWith(statePrefix) ? name.slice(statePrefix.length) : name);
  const stateOf = new Map(events.map(({ name, setsState }) => [name, setsState]));
  return (
    <div class="card">
      <table>
        <caption>
          <h2>Commands</h2>
        </caption>
        <thead>
          <tr>
            <th scope="col">Command</th>
            <th scope="col">Allowed in</th>
            <th scope="col">Emits</th>
            <th scope="col">State after</th>
          </tr>
        </thead>
        <tbody>
          {commands.map(({ name, lifecycle, allowedStates, events }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                {lifecycle === "creation" ? (
                  <span class="badge">new</span>
                ) : allowedStates.length === 0 ? (
                  <span class="quiet">any state</span>
                ) : (
                  allowedStates.map(short).join(", ")
                )}
              </td>
              <td>{events.join(", ")}</td>
              <td>
                {events
                  .flatMap((event) => stateOf.get(event) ?? [])
                  .map(short)
                  .join(", ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {events
        .filter(({ retired }) => retired !== undefined)
        .map(({ name, retired }) => (
          <p key={name}>
            <b>{name}</b> <span class="badge retired">retired</span> {retired}
          </p>
        ))}
    </div>
  );
}

function Message({ message, isOpen }: { message: MessageInfo; isOpen: boolean }): JSX.Element {
  const { name, role, comment, fields, rules } = message;
  return (
    <details
      class="card"
      open={isOpen}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open && !isOpen) adjust({ message: name });
      }}
    >
      <summary>
        <b>{name}</b> <span class={`badge role-${role}`}>{role}</span> {comment}
      </summary>
      {isOpen && fields && <FieldTable message={message} />}
      {isOpen && rules.map((rule) => <code key={rule}>{rule}</code>)}
    </details>
  );
}
