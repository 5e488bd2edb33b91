import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { IndexInfo, KeyField } from "protosource-cli/studio";
import type { Place } from "../address.js";
import { BETWEEN, named, readForm } from "../conditions.js";

export interface QueryFormProps {
  readonly index: IndexInfo;
  /** What is in the form at first. */
  readonly place: Place;
  /** Called with the parameters of the address. */
  readonly find: (parameters: Place) => void;
}

/** Asks for the fields of an index: those of its partition, and what of its sort key is compared. */
export function QueryForm({ index, place, find }: QueryFormProps): JSX.Element {
  const errors = useSignal<ReadonlyMap<string, string>>(new Map());
  const form = useRef<HTMLFormElement>(null);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(form.current as HTMLFormElement);
    const typed = readForm(data, index);
    errors.value = typed.errors ?? new Map();
    if (typed.errors) {
      const [first] = typed.errors.keys();
      (form.current?.elements.namedItem(first ?? "") as HTMLElement | null)?.focus();
    } else find({ ...typed.parameters, ...(data.has("reverse") ? { reverse: "true" } : {}) });
  };
  const { partition, sort } = index;
  return (
    <form ref={form} class="query" noValidate onSubmit={submit}>
      {partition.map((field) => (
        <Field key={field.name} field={field} place={place} errors={errors.value} isGiven />
      ))}
      {sort.map((field, i) => (
        <Field key={field.name} field={field} place={place} errors={errors.value} isCompared={i === sort.length - 1} />
      ))}
      <label class="check">
        <input type="checkbox" name="reverse" defaultChecked={place["reverse"] === "true"} /> Descending
      </label>
      <button type="submit" class="main">
        Find
      </button>
    </form>
  );
}

interface FieldProps {
  readonly field: KeyField;
  readonly place: Place;
  readonly errors: ReadonlyMap<string, string>;
  /** Whether a value must be given. */
  readonly isGiven?: boolean;
  readonly isCompared?: boolean;
}

function Field({ field, place, errors, isGiven = false, isCompared = false }: FieldProps): JSX.Element {
  const { value, operator, high } = named(field);
  const by = useSignal(place[operator] ?? "=");
  const { operators } = field;
  const ranges = operators.includes(">=");
  return (
    <div class="field">
      <label for={value}>
        {field.name} <span class="quiet">{isGiven ? "" : "optional"}</span>
      </label>
      <div class="inputs">
        {isCompared && operators.length > 1 && (
          <select
            name={operator}
            aria-label={`How ${field.name} is compared`}
            value={by.value}
            onChange={({ currentTarget }) => {
              by.value = currentTarget.value;
            }}
          >
            {[...operators, ...(ranges ? [BETWEEN] : [])].map((one) => (
              <option key={one} value={one}>
                {WORDS[one] ?? one}
              </option>
            ))}
          </select>
        )}
        <Input field={field} name={value} value={place[value]} error={errors.get(value)} isGiven={isGiven} />
        {isCompared && by.value === BETWEEN && (
          <Input
            field={field}
            name={high}
            label={`${field.name}, at most`}
            value={place[high]}
            error={errors.get(high)}
            isGiven
          />
        )}
      </div>
      {[value, high].map(
        (name) =>
          errors.has(name) && (
            <p key={name} id={`${name}-error`} class="wrong" role="alert">
              {errors.get(name)}
            </p>
          ),
      )}
    </div>
  );
}

/** Operators that aren't known as signs. */
const WORDS: { readonly [operator: string]: string } = { "^=": "begins with", "<=": "≤", ">=": "≥" };

interface InputProps {
  readonly field: KeyField;
  readonly name: string;
  readonly label?: string;
  readonly value: string | undefined;
  readonly error: string | undefined;
  readonly isGiven: boolean;
}

function Input({ field: { kind, values }, name, label, value, error, isGiven }: InputProps): JSX.Element {
  const common = {
    ...{ id: name, name, "aria-label": label },
    ...(error === undefined ? {} : { "aria-invalid": true, "aria-describedby": `${name}-error` }),
  } as const;
  if (kind === "bool" && isGiven)
    return <input {...common} type="checkbox" value="true" defaultChecked={value === "true"} />;
  const choices = kind === "bool" ? ["true", "false"] : values;
  if (choices) {
    return (
      <select {...common} defaultValue={value}>
        {!isGiven && <option value="">any</option>}
        {choices.map((one) => (
          <option key={one} selected={one === value}>
            {one}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      {...common}
      type="text"
      inputMode={kind === "integer" ? "numeric" : undefined}
      spellcheck={false}
      autocomplete="off"
      placeholder={HINTS[kind]}
      defaultValue={value}
    />
  );
}

const HINTS: { readonly [kind: string]: string } = { integer: "whole number", number: "number", bytes: "base64" };
