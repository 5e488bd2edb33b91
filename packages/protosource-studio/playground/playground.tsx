/** The playground of the documentation: the page of the studio, with a shop in it in place of a server. */
import "./open-shop.js";
import "../src/main.js";
import { render } from "preact";
import { Welcome } from "./welcome.js";

const welcome = document.createElement("aside");
welcome.className = "playground";
welcome.setAttribute("aria-label", "Playground");
document.body.prepend(welcome);
render(<Welcome />, welcome);
