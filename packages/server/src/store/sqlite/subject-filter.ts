/** What a filter of subjects asks for, as conditions of SQL and the index that answers them in order of time. */
import type { SQLInputValue } from 'node:sqlite';
import type { SubjectFilter, SubjectSearch } from '../store.ts';

interface Conditions {
  /** `WHERE …`, or nothing. */
  readonly where: string;
  readonly parameters: readonly SQLInputValue[];
}

/** @param place only subjects before this one */
export function chooseSubjects(
  { topic, status, from, to }: SubjectFilter,
  place: readonly [acceptedAt: number, seq: number] | undefined,
): Conditions & { readonly index: string } {
  const conditions: string[] = [];
  const parameters: SQLInputValue[] = [];
  const where = (condition: string, ...values: SQLInputValue[]) => {
    conditions.push(condition);
    parameters.push(...values);
  };
  // `+` keeps a condition from choosing the index: the one that selects most is named below.
  let index = 'subjects_time';
  if (status !== undefined && status !== 'Succeeded') {
    index = 'subjects_status';
    where(`s.status = ? AND s.status <> 'Succeeded'`, status);
    if (topic !== undefined) where('+s.topic = (SELECT id FROM topics WHERE name = ?)', topic);
  } else {
    if (topic !== undefined) {
      index = 'subjects_topic';
      where('s.topic = (SELECT id FROM topics WHERE name = ?)', topic);
    }
    if (status !== undefined) where('+s.status = ?', status);
  }
  if (from !== undefined) where('s.accepted_at >= ?', from);
  if (to !== undefined) where('s.accepted_at < ?', to);
  if (place !== undefined) where('(s.accepted_at, s.seq) < (?, ?)', ...place);
  return { index, ...join(conditions, parameters) };
}

/** What must be read of a subject to know whether it is meant. Letters of ASCII match in either case. */
export function matchContent({ reason, payloadText, entryText }: SubjectSearch): Conditions {
  const conditions: string[] = [];
  const parameters: SQLInputValue[] = [];
  if (reason !== undefined) {
    conditions.push('s.reason = ?');
    parameters.push(reason);
  }
  if (payloadText !== undefined) {
    conditions.push('instr(lower(b.body), lower(?)) > 0');
    parameters.push(payloadText);
  }
  if (entryText !== undefined) {
    conditions.push(
      'EXISTS (SELECT 1 FROM entries e WHERE e.subject = s.seq AND instr(lower(e.data), lower(?)) > 0)',
    );
    // Entries are stored as JSON: what it escapes is escaped in the text that is looked for too.
    parameters.push(JSON.stringify(entryText).slice(1, -1));
  }
  return join(conditions, parameters);
}

function join(conditions: readonly string[], parameters: readonly SQLInputValue[]): Conditions {
  return { where: conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '', parameters };
}
