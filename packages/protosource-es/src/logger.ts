/** Takes what an operator should know although no call fails for it. `console` is one. */
export interface Logger {
  warn(message: string, details?: object): void;
}
