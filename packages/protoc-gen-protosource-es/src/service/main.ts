/** Runs the generator of services for protoc or buf, which speak to it through standard input and output. */
import { runNodeJs } from "@bufbuild/protoplugin";
import { servicePlugin } from "./plugin.js";

runNodeJs(servicePlugin);
