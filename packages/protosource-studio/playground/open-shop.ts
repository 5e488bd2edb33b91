/** Opens the shop, before the page asks anything. */
import { showShop } from "./shop.js";

showShop();
