/** Keeps what is shown in step with the server: the live stream tells what changed, and those queries are read again. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { API, get } from './api.ts';

/** Which queries show what the server calls changed. */
const SHOWN_IN: Readonly<Record<string, readonly string[]>> = {
  events: ['events', 'event', 'overview', 'functions', 'function', 'logs'],
  queues: ['queues', 'queue', 'dead-letters', 'groups', 'letters', 'overview', 'topics'],
  'redrive-jobs': ['jobs', 'job', 'groups', 'letters', 'dead-letters', 'audit'],
  alarms: ['alarms', 'overview'],
  'sns-topics': ['topics'],
  'sns-subscriptions': ['topics', 'dead-letters'],
  'sqs-queues': ['queues', 'queue', 'dead-letters', 'overview'],
};
const CONFIGURATION = ['functions', 'function', 'queues', 'queue', 'dead-letters', 'overview'];

export type Connection = 'connecting' | 'live' | 'lost';

export function useLive(): Connection {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>('connecting');
  useEffect(() => {
    const source = new EventSource(`${API}/live`);
    source.addEventListener('hello', () => {
      setConnection('live');
      // Whatever happened while there was no connection.
      void client.invalidateQueries();
    });
    source.addEventListener('changed', (event) => {
      const names = new Set(
        (JSON.parse((event as MessageEvent<string>).data) as string[]).flatMap(
          (what) => SHOWN_IN[what] ?? CONFIGURATION,
        ),
      );
      void client.invalidateQueries({ predicate: ({ queryKey }) => names.has(String(queryKey[0])) });
    });
    source.addEventListener('error', () => setConnection('lost'));
    return () => source.close();
  }, [client]);
  return connection;
}

/** The server's time now, epoch ms; a virtual clock stands still. */
export function useNow(): number {
  const { data } = useQuery({
    queryKey: ['clock'],
    queryFn: async () => {
      const clock = await get<{ now: number; virtual: boolean }>('clock');
      return { ...clock, readAt: Date.now() };
    },
    refetchInterval: 10_000,
  });
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 5_000);
    return () => clearInterval(timer);
  }, []);
  if (!data) return Date.now();
  return data.virtual ? data.now : data.now + (Date.now() - data.readAt);
}
