/** What the page does with the client. */
import { State, sessionClient } from "/client.js";

const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
const list = document.querySelector("ul");

const act = async (call) => {
  status.textContent = "";
  const client = sessionClient(location.origin, form.elements.user.value);
  try {
    await call(client);
    await show(client);
  } catch (error) {
    status.textContent = error.message;
  }
};

const show = async (client) => {
  const { items } = await client.selectSessionCardByUserId({ userId: form.elements.user.value, reverse: true });
  list.replaceChildren(...items.map((card) => itemOf(card)));
};

const itemOf = ({ id, device, state, lastSeenAt }) => {
  const item = document.createElement("li");
  const stateName = Object.keys(State).find((name) => State[name] === state);
  item.textContent = `${device}, ${stateName}, last seen ${new Date(Number(lastSeenAt / 1000n)).toLocaleString()} `;
  if (state === State.ACTIVE) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Log out";
    button.onclick = () => act((client) => client.logOut({ id }));
    item.append(button);
  }
  return item;
};

form.onsubmit = (event) => {
  event.preventDefault();
  void act((client) => client.logIn({ device: form.elements.device.value }));
};
