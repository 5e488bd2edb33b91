/** Runs the plugin for protoc or buf, which speak to it through standard input and output. */
import { runNodeJs } from "@bufbuild/protoplugin";
import { plugin } from "./plugin.js";

runNodeJs(plugin);
