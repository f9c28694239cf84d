/** Function code in the database, by its hash, so that every node finds what any of them was given. */
import type pg from 'pg';

export interface Blobs {
  /** Resolves when it is on disk; the same bytes again are no harm. */
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  get(sha256: string): Promise<Buffer | undefined>;
  /** Forgets what is not named and not new; returns how many. */
  sweep(keep: ReadonlySet<string>): Promise<number>;
}

/** Code that was stored for a function that is about to be created is spared. */
const SPARE_MS = 3_600_000;
const NOW = '(extract(epoch FROM now()) * 1000)::bigint';

export function createBlobs(pool: pg.Pool): Blobs {
  return {
    async put(sha256, bytes) {
      await pool.query(
        `INSERT INTO blobs (sha256, size, stored_at, data) VALUES ($1, $2, ${NOW}, $3)
         ON CONFLICT (sha256) DO UPDATE SET stored_at = excluded.stored_at`,
        [sha256, bytes.length, Buffer.from(bytes)],
      );
    },
    async get(sha256) {
      const { rows } = await pool.query<{ data: Buffer }>('SELECT data FROM blobs WHERE sha256 = $1', [
        sha256,
      ]);
      return rows[0]?.data;
    },
    async sweep(keep) {
      const { rowCount } = await pool.query(
        `DELETE FROM blobs WHERE NOT sha256 = ANY($1::text[]) AND stored_at < ${NOW} - $2::bigint`,
        [[...keep], SPARE_MS],
      );
      return rowCount ?? 0;
    },
  };
}
