import { useSignal } from "@preact/signals";
import type { JSX, TargetedSubmitEvent } from "preact";
import type { CommandForm, CommandForms, Decided, FormField } from "protosource-cli/studio";
import { adjust } from "../address.js";
import { answering, ask, type NoAnswer } from "../ask.js";
import { useAnswer } from "../load.js";
import { counted, printable } from "../words.js";
import { Changes } from "./changes.js";
import { JsonView } from "./json-view.js";
import { Notice } from "./notice.js";
import { TryAgain } from "./try-again.js";

/** Decides a command on the state at a version, and stores nothing. In the playground it can be applied, too. */
export function WhatIf({ id, version }: { id: string; version: string }): JSX.Element {
  const forms = useAnswer<CommandForms>("commands", { id });
  const chosen = useSignal<string | undefined>(undefined);
  const decided = useSignal<Decided | NoAnswer | undefined>(undefined);
  const { value, error, again } = forms.value;
  const { applyCommand } = answering.value;
  if (error) return <TryAgain error={error} again={again} />;
  if (value === undefined) return <Notice kind="empty">Loading…</Notice>;
  const form = value.commands.find(({ name }) => name === chosen.value) ?? value.commands[0];
  if (form === undefined) return <Notice kind="empty">The aggregate has no commands.</Notice>;
  const run = async ({ currentTarget, submitter }: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    try {
      const fields = JSON.stringify(fieldsIn(form, new FormData(currentTarget)));
      if (applyCommand && submitter?.id === "apply") {
        await applyCommand(id, form.name, fields);
        adjust({ at: undefined, against: undefined, tab: undefined });
      } else decided.value = await ask<Decided>("what-if", { id, at: version, command: form.name, fields });
    } catch (error) {
      decided.value = error as NoAnswer;
    }
  };
  return (
    <div class="what-if">
      <form
        class="command-form"
        onSubmit={(event) => {
          event.preventDefault();
          void run(event);
        }}
      >
        <label>
          <span>Command</span>
          <select
            value={form.name}
            onChange={(event) => {
              chosen.value = event.currentTarget.value;
              decided.value = undefined;
            }}
          >
            {value.commands.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {form.fields.map((field) => (
          <Input key={`${form.name}.${field.name}`} field={field} />
        ))}
        <div class="tools">
          <button type="submit">Decide on version {version}</button>
          {applyCommand && (
            <button type="submit" id="apply">
              Apply
            </button>
          )}
        </div>
      </form>
      {decided.value !== undefined && <Outcome decided={decided.value} />}
    </div>
  );
}

function Input({ field }: { field: FormField }): JSX.Element {
  const { name, kind, values, example } = field;
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: each kind of input is one.
    <label>
      <span>{name}</span>
      {kind === "boolean" ? (
        <input type="checkbox" name={name} />
      ) : kind === "enum" ? (
        <select name={name}>
          {values?.map((value) => (
            <option key={value}>{value}</option>
          ))}
        </select>
      ) : kind === "json" ? (
        <textarea name={name} rows={6} spellcheck={false} defaultValue={JSON.stringify(example, undefined, 2)} />
      ) : (
        <input name={name} inputMode={kind === "number" ? "decimal" : "text"} autocomplete="off" />
      )}
    </label>
  );
}

function Outcome({ decided }: { decided: Decided | NoAnswer }): JSX.Element {
  if (decided instanceof Error) return <Notice kind="error">{decided.message}</Notice>;
  const { hasRules, fieldsUnchecked, events, changes, refusal, sealed } = decided;
  const lacking =
    (hasRules ? "" : " The hand-written rules weren't asked: start the studio with --domain.") +
    (fieldsUnchecked ? " Rules of fields (buf.validate) aren't checked in a page." : "") +
    (sealed ? " Sealed fields were empty for it, so that it may be decided otherwise with their keys." : "");
  if (refusal !== undefined) {
    return (
      <Notice kind="error">
        <b>{refusal.code}</b> {printable(refusal.message)}
        {lacking}
      </Notice>
    );
  }
  return (
    <>
      <p class="quiet" role="status">
        {counted(events.length, "event")} would follow. Nothing is stored.{lacking}
      </p>
      {events.map(({ type, json }, i) => (
        <div class="decided" key={i}>
          <b>{type}</b>
          <JsonView label={`${type} ${i + 1}`} value={json} />
        </div>
      ))}
      <Changes title={`${counted(changes.length, "change")} of the state`} changes={changes} />
    </>
  );
}

/** Gives the fields that were filled in, as the JSON of the command. Throws for JSON that is none. */
function fieldsIn({ fields }: CommandForm, data: FormData): object {
  const filled = fields.flatMap(({ name, kind }) => {
    const text = (data.get(name) ?? "") as string;
    if (kind === "boolean") return [[name, data.has(name)] as const];
    if (text.trim() === "") return [];
    return [[name, kind === "json" ? (JSON.parse(text) as unknown) : text] as const];
  });
  return Object.fromEntries(filled);
}
