/** A Logs Insights query as a tree: commands, and the expressions in them. */

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'field'; readonly name: string }
  /** `5m` in `bin(5m)`, in ms. */
  | { readonly kind: 'duration'; readonly ms: number; readonly months: number }
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'unary'; readonly operator: '-' | 'not'; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'in'; readonly value: Expression; readonly list: readonly Expression[] }
  /** `*` alone is the argument list of `count(*)`. */
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly arguments: readonly Expression[];
      readonly start: number;
    };

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '^'
  | '%'
  | '='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | 'like'
  | 'and'
  | 'or';

/** An expression and what its column is called. */
export interface Column {
  readonly name: string;
  readonly expression: Expression;
}

export type Command =
  | { readonly kind: 'fields' | 'display' | 'unmask'; readonly columns: readonly Column[] }
  | { readonly kind: 'filter'; readonly condition: Expression }
  | { readonly kind: 'stats'; readonly columns: readonly Column[]; readonly by: readonly Column[] }
  | {
      readonly kind: 'sort';
      readonly keys: readonly { readonly expression: Expression; readonly descending: boolean }[];
    }
  | { readonly kind: 'limit'; readonly count: number }
  | { readonly kind: 'dedup'; readonly columns: readonly Column[] }
  | {
      readonly kind: 'parse';
      readonly source: Expression;
      readonly pattern: { readonly kind: 'glob' | 'regex'; readonly text: string };
      readonly names: readonly string[];
    };

export interface Query {
  readonly commands: readonly Command[];
}

/** Functions that fold many rows into one value; only `stats` has them. */
export const AGGREGATES: ReadonlySet<string> = new Set([
  'avg',
  'count',
  'countdistinct',
  'max',
  'min',
  'pct',
  'percentile',
  'stddev',
  'sum',
  'values',
  'variance',
  'earliest',
  'latest',
  'sortsfirst',
  'sortslast',
]);

/** Function names are written with and without underscores, in any case. */
export function normalName(name: string): string {
  return name.toLowerCase().replaceAll('_', '');
}
