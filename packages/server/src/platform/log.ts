/** The server's own log: JSON lines on stderr. Function output goes to CloudWatch Logs, not here. */
import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export type LogLevel = 'silent' | 'debug' | 'info' | 'warn' | 'error';

export function createLog(level: LogLevel): Log {
  return pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: false }),
  );
}
