import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

export interface TextBoxProps {
  readonly id?: string;
  readonly label: string;
  readonly size: number;
  readonly placeholder?: string;
  readonly value: string;
  /** Says what is wrong with a text; undefined for one that can be taken. Not asked for the empty one. */
  readonly problemOf: (text: string) => string | undefined;
  /** Called with what was typed once it is left or Enter is pressed; undefined for nothing. */
  readonly take: (text: string | undefined) => void;
}

/** Asks for a text. Who is at it finds what is there, selected or typed, unmoved by what is answered meanwhile. */
export function TextBox({ label, value, problemOf, take, ...attributes }: TextBoxProps): JSX.Element {
  const draft = useSignal<string | undefined>(undefined);
  return (
    <input
      {...attributes}
      aria-label={label}
      value={draft.value ?? value}
      onFocus={({ currentTarget }) => {
        draft.value = currentTarget.value;
      }}
      onInput={({ currentTarget }) => {
        draft.value = currentTarget.value;
        currentTarget.setCustomValidity("");
      }}
      onChange={({ currentTarget }) => {
        const text = currentTarget.value.trim() || undefined;
        currentTarget.setCustomValidity((text && problemOf(text)) ?? "");
        if (!currentTarget.reportValidity()) return;
        draft.value = undefined;
        take(text);
      }}
      onBlur={({ currentTarget }) => {
        if (currentTarget.validity.valid) draft.value = undefined;
      }}
    />
  );
}
