/** Takes what an operator should know although no call fails for it. `console` is one. */
export interface Logger {
  warn(message: string, details?: object): void;
}

/** Keeps a logger that throws from failing what it is told of: that was stored. */
export function steadyLogger(logger: Logger): Logger {
  return {
    warn(message, details) {
      try {
        logger.warn(message, details);
      } catch {
        // Whom could it be told?
      }
    },
  };
}
