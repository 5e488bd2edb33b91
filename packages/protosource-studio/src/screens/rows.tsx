import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { IndexInfo, KeyedMessage, KeyedMessages, RowPage, RowSummary } from "protosource-cli/studio";
import { addressOf, adjust, go, goes, type Place } from "../address.js";
import { conditionsIn, partOf } from "../conditions.js";
import { focuses } from "../keep-focus.js";
import { useKeys } from "../keyboard.js";
import { useAnswer } from "../load.js";
import { ListHead } from "../parts/list-head.js";
import { Notice } from "../parts/notice.js";
import { QueryForm } from "../parts/query-form.js";
import { RowPanel } from "../parts/row-panel.js";
import { TryAgain } from "../parts/try-again.js";
import { VirtualList } from "../parts/virtual-list.js";
import type { ScreenProps } from "../screen.js";
import { byteText, costText, counted, printable } from "../words.js";

/** The rows of messages, found by the fields of an index. */
export function RowsScreen({ place }: ScreenProps): JSX.Element {
  const answer = useAnswer<KeyedMessages>("indexes", {});
  const { value, error, again } = answer.value;
  if (error) return <TryAgain error={error} again={again} />;
  if (value === undefined) return <Notice kind="empty">Loading…</Notice>;
  const { messages } = value;
  const message = messages.find(({ type }) => type === place["type"]) ?? messages[0];
  if (message === undefined) {
    return (
      <Notice kind="empty">
        No message is known that is kept in rows. Start the studio with --descriptors image.binpb, which buf build
        makes, or with --domain.
      </Notice>
    );
  }
  // An index says more than the table itself, which needs an id.
  const byDefault = message.indexes.find(({ index }) => index > 0) ?? message.indexes[0];
  const index = message.indexes.find(({ index }) => String(index) === place["index"]) ?? byDefault;
  return (
    <section class="rows" aria-label="Rows">
      <nav class="tabs" aria-label="Messages">
        {messages.map(({ type, name }) => (
          <Tab key={type} name={name} to={{ view: "rows", type }} isCurrent={type === message.type} />
        ))}
        <span class="facts">{message.type}</span>
      </nav>
      <nav class="tabs" aria-label="Indexes">
        {message.indexes.map((one) => (
          <Tab
            key={one.index}
            name={indexName(one)}
            to={{ view: "rows", type: message.type, index: String(one.index) }}
            isCurrent={one === index}
          />
        ))}
      </nav>
      {index && <Query key={`${message.type} ${index.index}`} message={message} index={index} place={place} />}
    </section>
  );
}

function Tab({ name, to, isCurrent }: { name: string; to: Place; isCurrent: boolean }): JSX.Element {
  return (
    <a href={addressOf(to)} aria-current={isCurrent ? "true" : undefined} onClick={goes(to)}>
      {name}
    </a>
  );
}

function indexName({ index, partition, sort }: IndexInfo): string {
  const fields = [partition, sort].map((part) => part.map(({ name }) => name).join(", ")).filter((text) => text !== "");
  return `${index === 0 ? "Table" : `Index ${index}`}: ${fields.join(" → ")}`;
}

interface QueryProps {
  readonly message: KeyedMessage;
  readonly index: IndexInfo;
  readonly place: Place;
}

/** What was typed for personal fields, by the index that it was typed for: it is in no address. */
const typed = signal<{ readonly [index: string]: Place }>({});

function Query({ message: { type }, index, place }: QueryProps): JSX.Element {
  const own = `${type} ${index.index}`;
  const given = { ...partOf(place, index), ...typed.value[own] };
  const where = conditionsIn(given, index);
  const { reverse, cursor, pk, sk } = place;
  const answer = useAnswer<RowPage>(where && "rows", { type, index: String(index.index), where, reverse, cursor });
  const { value, error, isLoading, again } = answer.value;
  const selected = useSignal(0);
  useEffect(() => {
    const found = value?.rows.findIndex((row) => row.pk === pk && row.sk === sk) ?? -1;
    selected.value = Math.max(0, found);
  }, [value]);
  const base = { view: "rows", type, index: String(index.index) };
  const next = value?.cursor;
  const showNext = (): void => {
    if (next !== undefined) go(without({ ...place, ...base, cursor: next }, ["pk", "sk"]));
  };
  const showFirst = (): void => go(without({ ...place, ...base }, ["pk", "sk", "cursor"]));
  const rows = value?.rows ?? [];
  const open = (at: number): void => {
    const row = rows[at];
    if (row) adjust({ pk: row.pk, sk: row.sk });
  };
  const move = (by: number) => () => {
    selected.value = Math.max(0, Math.min(rows.length - 1, selected.value + by));
  };
  useKeys({
    j: ["select the next one", move(1)],
    k: ["select the one before", move(-1)],
    Enter: ["open what is selected", () => open(selected.value)],
    n: ["show the next page", showNext],
    f: ["go to the form", focuses(".query input, .query select")],
    Escape: ["close the row", () => adjust({ pk: undefined, sk: undefined })],
  });
  return (
    <>
      <QueryForm
        index={index}
        place={given}
        find={(parameters) => {
          typed.value = { ...typed.value, [own]: partOf(parameters, index, true) };
          go({ ...base, ...partOf(parameters, index) });
        }}
      />
      {error && <TryAgain error={error} again={again} />}
      {where === undefined ? (
        <Notice kind="empty">Fill in the form and find: a page of 50 rows is read, and what it cost is shown.</Notice>
      ) : value === undefined ? (
        isLoading && <Notice kind="empty">Loading…</Notice>
      ) : (
        <>
          <div class="tabs">
            <span class="facts first" role="status">
              {counted(rows.length, "row")} {next !== undefined && "on this page"}
              {value.cost && ` · ${costText(value.cost)}`}
            </span>
            {cursor !== undefined && (
              <button type="button" onClick={showFirst}>
                First page
              </button>
            )}
            {next !== undefined && (
              <button type="button" onClick={showNext}>
                Next page <kbd>n</kbd>
              </button>
            )}
          </div>
          {rows.length === 0 ? (
            <Notice kind="empty">
              No row has these values. Write them as the domain does, leave what is optional out, or look at the stream:
              rows may be behind it.
            </Notice>
          ) : (
            <div class={pk === undefined ? "whole" : "halves"}>
              <div class="timeline">
                <ListHead
                  columns={["Key", index.index === 0 ? "" : "Key in the index", "#Version", "#Size", "Fields"]}
                />
                <VirtualList
                  label="Rows"
                  count={rows.length}
                  rowHeight={44}
                  selected={selected.value}
                  select={(at) => {
                    selected.value = at;
                  }}
                  open={open}
                  row={(at) => <Row row={rows[at] as RowSummary} />}
                />
              </div>
              {pk !== undefined && sk !== undefined && (
                <div class="beside">
                  <RowPanel pk={pk} sk={sk} type={type} />
                </div>
              )}
            </div>
          )}
        </>
      )}
    </>
  );
}

function Row({ row: { pk, sk, indexPk, indexSk, version, bytes, text } }: { row: RowSummary }): JSX.Element {
  return (
    <>
      <KeyPair pk={pk} sk={sk} />
      <KeyPair pk={indexPk ?? ""} sk={indexSk ?? ""} />
      <span class="number">{version === "0" ? "–" : version}</span>
      <span class="number">{byteText(bytes)}</span>
      <span class="text quiet">{printable(text)}</span>
    </>
  );
}

/** Two keys, one below the other. */
function KeyPair({ pk, sk }: { pk: string; sk: string }): JSX.Element {
  return (
    <span class="key-pair" title={`${pk}\n${sk}`}>
      <Key text={pk} />
      <Key text={sk} />
    </span>
  );
}

/** A key, whose end tells rows apart: its beginning makes way where there is little room. */
function Key({ text }: { text: string }): JSX.Element {
  const start = /^[^#]*#[^#]*#(?=.)/.exec(text)?.[0] ?? "";
  return (
    <span class="id">
      <span class="start quiet">{start}</span>
      <bdi>{text.slice(start.length)}</bdi>
    </span>
  );
}

function without(place: Place, names: readonly string[]): Place {
  return Object.fromEntries(Object.entries(place).filter(([name]) => !names.includes(name)));
}
