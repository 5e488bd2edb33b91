import type { JSX } from "preact";
import type { MessageInfo } from "protosource-cli/studio";

/** Shows the fields of a message, and what they have to keep. */
export function FieldTable({ message: { name, fields } }: { message: MessageInfo }): JSX.Element {
  if (fields.length === 0) return <p class="quiet">It has no fields.</p>;
  return (
    <table>
      <caption class="unseen">The fields of {name}</caption>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col" class="number">
            No.
          </th>
          <th scope="col">Type</th>
          <th scope="col">What is known of it</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ name, number, type, keys, personal, derived, rules }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="number quiet">{number}</td>
            <td class="text">{type}</td>
            <td>
              {keys.map((key) => (
                <span key={key} class="badge">
                  {key}
                </span>
              ))}
              {personal !== undefined && <span class="badge sealed">personal: of {personal}</span>}
              {derived && <span class="badge">set by the domain's code</span>}
              {rules.map((rule) => (
                <code key={rule}>{rule}</code>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
